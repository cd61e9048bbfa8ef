package grant

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/keys"
	"propusk/store"
)

// Service is the engine. Clients and signing keys are kept in memory; Reload, called twice a second by the loop, looks
// whether they changed, so that what one process does counts on all within a second.
type Service struct {
	Store  *store.DB
	Master *keys.Master
	Authn  *authn.Service
	Issuer string

	known atomic.Pointer[known]
}

// known is what is kept in memory, replaced as a whole.
type known struct {
	clients   map[string]*registered
	ring      *keys.Ring
	revisions map[string]int64
	builtAt   int64
}

// registered is a client with its keys, parsed once.
type registered struct {
	*idp.Client
	keys *keys.ClientKeys // nil without jwks
}

// Reload reads clients and keys again if they changed or an hour has passed. The first call must succeed before anything is served.
func (s *Service) Reload(ctx context.Context, now time.Time) error {
	revisions, err := s.Store.Revisions(ctx)
	if err != nil {
		return fmt.Errorf("read revisions: %w", err)
	}
	old := s.known.Load()
	if old != nil && now.Unix() < old.builtAt+3600 && revisions[store.RevisionClients] == old.revisions[store.RevisionClients] &&
		revisions[store.RevisionKeys] == old.revisions[store.RevisionKeys] {
		return nil
	}
	next := &known{revisions: revisions, builtAt: now.Unix()}
	if next.clients, err = s.readClients(ctx); err != nil {
		return err
	}
	rows, err := s.Store.SigningKeys(ctx)
	if err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	if next.ring, err = keys.NewRing(s.Master, rows, now); err != nil {
		return err
	}
	s.known.Store(next)
	return nil
}

func (s *Service) readClients(ctx context.Context) (map[string]*registered, error) {
	rows, err := s.Store.Clients(ctx)
	if err != nil {
		return nil, fmt.Errorf("read clients: %w", err)
	}
	out := make(map[string]*registered, len(rows))
	for _, row := range rows {
		c, err := client(row)
		if err != nil {
			return nil, err
		}
		r := &registered{Client: c}
		if c.JWKS != "" {
			if r.keys, err = keys.ParseClientKeys([]byte(c.JWKS)); err != nil {
				return nil, fmt.Errorf("client %s: %w", c.ID, err)
			}
		}
		out[c.ID] = r
	}
	return out, nil
}

// Client returns a client that may act; nil if there is none or it is stopped.
func (s *Service) Client(id string) *idp.Client {
	if r := s.registered(id); r != nil {
		return r.Client
	}
	return nil
}

func (s *Service) registered(id string) *registered {
	k := s.known.Load()
	if k == nil {
		return nil
	}
	r := k.clients[id]
	if r == nil || r.Disabled {
		return nil
	}
	return r
}

// Clients lists all clients, stopped ones too.
func (s *Service) Clients() []*idp.Client {
	var all []*idp.Client
	for _, r := range s.known.Load().clients {
		all = append(all, r.Client)
	}
	return all
}

// Ring is what signs now.
func (s *Service) Ring() *keys.Ring { return s.known.Load().ring }

// gate is asked before any token leaves: may this account, at this tier, with this client, now? The grant's authentication is
// brought to what it counts for today.
func (s *Service) gate(g *idp.Grant, a idp.Account, c *idp.Client, now int64) *Refusal {
	if c == nil || c.ID != g.ClientID {
		return badGrant("client_stopped", "the client is stopped")
	}
	if !g.Live(a, now) {
		return badGrant("grant_ended", "the grant has ended: send the person to sign in again")
	}
	g.Auth = g.Auth.Now(a)
	if recovered := a.RecentRecovery(now); recovered > 0 {
		g.Auth.RecoveredAt = recovered
	} else if g.Auth.RecoveredAt+idp.RecoveryPause <= now {
		g.Auth.RecoveredAt = 0
	}
	if c.MinimumTier != "" && !g.Auth.Tier.AtLeast(c.MinimumTier) {
		return badGrant("tier_fell", "the account is below the minimum_tier of the client: send the person to sign in again")
	}
	return nil
}
