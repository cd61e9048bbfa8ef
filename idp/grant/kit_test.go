package grant_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/grant"
	"propusk/keys"
	"propusk/store/storetest"
)

const (
	t0       = int64(1_800_000_000)
	issuer   = "https://id.example.ru"
	callback = "https://portal.example.ru/cb"
	verifier = "a-code-verifier-of-forty-three-characters-xx"
)

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// stand is the engine on a database, with a clock of its own.
type stand struct {
	*grant.Service
	t    *testing.T
	ctx  context.Context
	raw  *sql.DB // to change what no statement of the product changes yet
	now  time.Time
	made int
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, s *stand)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newStand(t, storetest.SQLiteURL(t))) })
	t.Run("postgres", func(t *testing.T) { test(t, newStand(t, storetest.PostgresURL(t))) })
}

func newStand(t *testing.T, address string) *stand {
	t.Helper()
	driver, name := "pgx", address
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver, name = "sqlite", path
	}
	raw, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.Open(t, address)
	t.Cleanup(func() { _ = raw.Close() })
	master, _ := keys.NewMaster()
	a := &authn.Service{Store: db, Master: master, Pool: authn.NewHashPool(1, 100, time.Minute), Limits: authn.DefaultLimits}
	s := &stand{Service: &grant.Service{Store: db, Master: master, Authn: a, Issuer: issuer}, t: t, ctx: t.Context(), raw: raw, now: time.Unix(t0, 0)}
	k, err := keys.Generate(master, keys.ES256, s.now, keys.NewSchedule(time.Hour))
	s.must(err)
	s.must(db.PutSigningKey(s.ctx, k))
	s.must(s.Reload(s.ctx, s.now))
	return s
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) pass(seconds int64) { s.now = s.now.Add(time.Duration(seconds) * time.Second) }

func (s *stand) exec(query string, args ...any) {
	s.t.Helper()
	if _, err := s.raw.ExecContext(s.ctx, query, args...); err != nil {
		s.t.Fatal(err)
	}
}

// register stores a client; members are added to, or replace, those of an ordinary portal.
func (s *stand) register(members string) *idp.Client {
	s.t.Helper()
	base := map[string]any{"client_id": "portal", "client_secret": "s3cret", "redirect_uris": []string{callback},
		"scope": "openid snils inn offline_access profile"}
	var more map[string]any
	s.must(json.Unmarshal([]byte("{"+members+"}"), &more))
	for k, v := range more {
		if base[k] = v; v == nil {
			delete(base, k)
		}
	}
	text, err := json.Marshal(base)
	s.must(err)
	all, err := grant.ReadRegistrations(text)
	s.must(err)
	row, err := all[0].Row(s.Master, s.now.Unix())
	s.must(err)
	_, err = s.Store.PutClient(s.ctx, row)
	s.must(err)
	s.must(s.Reload(s.ctx, s.now))
	c := s.Client(all[0].ClientID)
	if c == nil {
		s.t.Fatalf("client %s is not there", all[0].ClientID)
	}
	return c
}

func (s *stand) account(change func(*idp.Account)) idp.Account {
	s.t.Helper()
	a := idp.Account{OID: idp.NewOID(), Status: idp.Active, Tier: idp.Standard, TierAt: t0 - 1000, SNILS: "11223344595", INN: "500100732259",
		Person: idp.Person{LastName: "Иванов", FirstName: "Иван", BirthDate: "1990-01-01"}, Language: idp.Russian, SecondFactor: idp.NoFactor, CreatedAt: t0}
	if change != nil {
		change(&a)
	}
	_, err := s.Store.AddAccount(s.ctx, a, "1")
	s.must(err)
	return a
}

// visitor is a browser in which an account is signed in.
func (s *stand) visitor(a idp.Account) authn.Visitor {
	s.t.Helper()
	s.made++
	sess := idp.Session{OID: a.OID, ID: idp.NewID(s.now), SecretHash: []byte("x"), DeviceHash: authn.Hash(fmt.Sprint("device", s.made)), CreatedAt: s.now.Unix(),
		SeenAt: s.now.Unix(), EndsAt: s.now.Unix() + idp.SessionTotal, Auth: idp.Authentication{Time: s.now.Unix(), Methods: []string{"pwd"}, Tier: a.Tier,
			TierAt: a.TierAt, TierMethod: a.TierMethod}}
	s.must(s.Store.PutSession(s.ctx, sess))
	return authn.Visitor{Device: sess.DeviceHash, Session: &sess, Account: &a, Network: netip.MustParseAddr("192.0.2.1"), Agent: "Chrome"}
}

// ask is a request that is in order.
func ask(change func(*grant.Ask)) grant.Ask {
	in := grant.Ask{Face: idp.FaceOIDC, ClientID: "portal", RedirectURI: callback, ResponseType: "code", Scope: "openid snils", State: "state", Nonce: "nonce",
		CodeChallenge: challenge(verifier), CodeChallengeMethod: "S256"}
	if change != nil {
		change(&in)
	}
	return in
}

func offline(in *grant.Ask) { in.Scope = "openid snils inn offline_access" }

// begin checks and keeps a request in the visitor's browser.
func (s *stand) begin(v authn.Visitor, in grant.Ask) idp.AuthRequest {
	s.t.Helper()
	r, _, err := s.Begin(in, s.now)
	s.must(err)
	s.must(s.Keep(s.ctx, &r, v.Device, func(id idp.ID) string { return "/authorize/" + string(id) }, s.now))
	return r
}

// flow reads a request again and gathers what decides its next step.
func (s *stand) flow(v authn.Visitor, id idp.ID) authn.Flow {
	s.t.Helper()
	r, err := s.Store.Request(s.ctx, id)
	s.must(err)
	f, err := s.Flow(s.ctx, r, v, s.now)
	s.must(err)
	return f
}

// code leads a request to its authorization code; the person allows what is asked.
func (s *stand) code(v authn.Visitor, in grant.Ask) string {
	s.t.Helper()
	r := s.begin(v, in)
	f := s.flow(v, r.ID)
	if authn.Next(f) == authn.Consent {
		s.must(s.Allow(s.ctx, v, f, v.Session.ID, s.now))
		f = s.flow(v, r.ID)
	}
	if step := authn.Next(f); step != authn.Done {
		s.t.Fatalf("step = %q, want done", step)
	}
	code, err := s.Issue(s.ctx, f, s.now)
	s.must(err)
	return code
}

func use(code string) grant.CodeUse {
	return grant.CodeUse{Code: code, RedirectURI: callback, Verifier: verifier}
}

// tokens leads a request to its tokens.
func (s *stand) tokens(v authn.Visitor, in grant.Ask) grant.Issued {
	s.t.Helper()
	out, err := s.Redeem(s.ctx, s.Client(in.ClientID), use(s.code(v, in)), s.now)
	s.must(err)
	return out
}

func (s *stand) refresh(c *idp.Client, token string) (grant.Issued, error) {
	return s.Refresh(s.ctx, c, grant.RefreshUse{Token: token}, s.now)
}

// access is the access token of what was issued, as a face reads it.
func access(out grant.Issued) grant.Access {
	return grant.Access{JTI: out.JTI, ClientID: out.Client.ID, Scopes: out.Scopes, Audience: out.Audience, IssuedAt: out.IssuedAt, ExpiresAt: out.ExpiresAt}
}

// alive tells whether an access token counts.
func (s *stand) alive(a grant.Access) bool {
	s.t.Helper()
	_, err := s.Check(s.ctx, a, s.now)
	if err != nil && !isNotFound(err) {
		s.t.Errorf("check: %v", err)
	}
	return err == nil
}

func isNotFound(err error) bool { return errors.Is(err, idp.NotFound) }

// reason is ours of a refusal; the text of any other error.
func reason(err error) string {
	if r, ok := grant.AsRefusal(err); ok {
		return r.Reason
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func (s *stand) refused(err error, want string) *grant.Refusal {
	s.t.Helper()
	if got := reason(err); got != want {
		s.t.Errorf("refused with %q, want %q", got, want)
	}
	r, ok := grant.AsRefusal(err)
	if !ok {
		return &grant.Refusal{}
	}
	return r
}

// race does something n times at once and counts the successes.
func race(n int, do func() error) int {
	var all sync.WaitGroup
	var won atomic.Int32
	for range n {
		all.Go(func() {
			if do() == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	return int(won.Load())
}

// events counts those of a name in an account's journal.
func (s *stand) events(oid idp.OID, what idp.EventName) (n int) {
	s.t.Helper()
	all, err := s.Store.Events(s.ctx, oid, "", 100)
	s.must(err)
	for _, e := range all {
		if e.What == what {
			n++
		}
	}
	return n
}
