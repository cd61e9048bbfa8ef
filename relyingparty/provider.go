package relyingparty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// metadata is the part of the discovery document this package uses (OpenID Connect Discovery 1.0, 3; RFC 9207, 3).
type metadata struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	UserinfoEndpoint      string `json:"userinfo_endpoint"`
	JWKSURI               string `json:"jwks_uri"`
	EndSessionEndpoint    string `json:"end_session_endpoint"`
	IssParameter          bool   `json:"authorization_response_iss_parameter_supported"`
}

// How long what was read of the provider is believed.
const (
	metadataLife = time.Hour
	keysLife     = 15 * time.Minute // a key taken out of use stays good here for this long
	aliveFor     = time.Minute      // an answer as recent as this shows that the provider is there
	pauseAfter   = 2 * time.Second  // after a failed discovery the next one waits, however many visitors come
	lookFor      = 5 * time.Second  // how long a visitor waits for discovery
)

// provider caches what is read from the provider: the discovery document and the JWK set.
type provider struct {
	issuer string
	http   *http.Client

	mu        sync.Mutex // guards what follows; held during a fetch, so that one visitor fetches for all
	metadata  *metadata
	fetched   time.Time
	failure   error
	failed    time.Time
	keys      *jose.JSONWebKeySet
	keysSince time.Time
	fetches   bucket // of the JWK set for an unknown kid: anybody may send a logout token that names one
}

// known returns the discovery document if it was ever read. It calls nobody.
func (p *provider) known() *metadata {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.metadata
}

// get returns the discovery document; an old one is better than none.
func (p *provider) get(ctx context.Context, now time.Time) (*metadata, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.metadata != nil && now.Sub(p.fetched) < metadataLife {
		return p.metadata, nil
	}
	if err := p.discover(ctx, now); err != nil && p.metadata == nil {
		return nil, err
	}
	return p.metadata, nil
}

// alive returns the discovery document if the provider answered within the last minute or answers now: before a visitor
// is sent there.
func (p *provider) alive(ctx context.Context, now time.Time) (*metadata, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.metadata != nil && now.Sub(p.fetched) < aliveFor {
		return p.metadata, nil
	}
	if err := p.discover(ctx, now); err != nil {
		return nil, err
	}
	return p.metadata, nil
}

// discover reads the discovery document. The caller holds mu.
func (p *provider) discover(ctx context.Context, now time.Time) error {
	if p.failure != nil && now.Sub(p.failed) < pauseAfter {
		return p.failure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookFor)
	defer cancel()
	md := new(metadata)
	err := p.read(ctx, strings.TrimSuffix(p.issuer, "/")+"/.well-known/openid-configuration", md)
	if err == nil {
		err = md.check(p.issuer)
	}
	if err != nil {
		p.failure, p.failed = &Unavailable{"discovery", err}, now
		return p.failure
	}
	p.metadata, p.fetched, p.failure = md, now, nil
	return nil
}

// check holds the document against the configured issuer (OpenID Connect Discovery 1.0, 4.3): the names must be equal,
// and an issuer reached by https must not name endpoints without it.
func (md *metadata) check(issuer string) error {
	if md.Issuer != issuer {
		return fmt.Errorf("document of issuer %q, not of %q", md.Issuer, issuer)
	}
	required := []string{md.AuthorizationEndpoint, md.TokenEndpoint, md.JWKSURI}
	for _, raw := range append(required, md.UserinfoEndpoint, md.EndSessionEndpoint) {
		u, err := url.Parse(raw)
		if err != nil || (raw != "" && u.Scheme != "https" && !strings.HasPrefix(issuer, "http:")) {
			return fmt.Errorf("endpoint %q is no https URL", raw)
		}
	}
	for _, raw := range required {
		if raw == "" {
			return errors.New("document without authorization_endpoint, token_endpoint or jwks_uri")
		}
	}
	return nil
}

// keysFor returns the keys that a token with this kid may be signed by: those of the id, or all if the token names none.
// An unknown kid fetches the set again, since the provider may have rotated, but not more often than the bucket allows.
func (p *provider) keysFor(ctx context.Context, kid string, now time.Time) ([]jose.JSONWebKey, error) {
	md, err := p.get(ctx, now)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	stale := p.keys == nil || now.Sub(p.keysSince) >= keysLife
	if !stale && (kid == "" || len(p.keys.Key(kid)) > 0) || !p.fetches.take(now) {
		return p.pick(kid), nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookFor)
	defer cancel()
	set := new(jose.JSONWebKeySet)
	if err := p.read(ctx, md.JWKSURI, set); err != nil {
		return nil, &Unavailable{"jwks", err}
	}
	p.keys, p.keysSince = set, now
	return p.pick(kid), nil
}

// pick finds keys in the cached set. The caller holds mu.
func (p *provider) pick(kid string) []jose.JSONWebKey {
	switch {
	case p.keys == nil:
		return nil
	case kid == "":
		return p.keys.Keys
	}
	return p.keys.Key(kid)
}

func (p *provider) read(ctx context.Context, from string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	status, body, err := roundTrip(p.http, request)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s answered %d", from, status)
	}
	return json.Unmarshal(body, into)
}

// maxBody is the largest answer read from the provider.
const maxBody = 1 << 20

// roundTrip sends a request and reads the whole answer.
func roundTrip(client *http.Client, request *http.Request) (status int, body []byte, err error) {
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("%s answered more than %d bytes", request.URL.Path, maxBody)
	}
	return response.StatusCode, body, err
}
