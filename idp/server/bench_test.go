package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"net/url"
	"runtime"
	"testing"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/store"
	"propusk/store/storetest"
)

// The unit S is one bare ES256 signature, and what is counted is processor time, so that a busy machine changes little: the
// process's own without waiting for the disk, and without PostgreSQL's. "process" calls the handler with a recorder, in this
// process; "http" asks a child that runs the program over loopback, and counts the child's time alone.
//
//	go test -run - -bench . -benchtime 500x ./idp/server

var databases = []struct {
	name    string
	address func(testing.TB) string
}{{"sqlite", storetest.SQLiteURL}, {"postgres", storetest.PostgresURL}}

// signatureTime is S now. It is taken before and after each benchmark: other processes on the same cores slow both alike.
func signatureTime() time.Duration {
	const rounds = 500
	sign := bareSignature()
	start := ownTime()
	for range rounds {
		sign()
	}
	return (ownTime() - start) / rounds
}

func bareSignature() func() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	input := make([]byte, 300)
	return func() {
		sum := sha256.Sum256(input)
		if _, err := ecdsa.SignASN1(rand.Reader, key, sum[:]); err != nil {
			panic(err)
		}
	}
}

// measured runs do b.N times and reports the processor time of one in S.
func measured(b *testing.B, clock func() time.Duration, do func(i int)) {
	b.Helper()
	s := signatureTime()
	b.ReportAllocs()
	b.ResetTimer()
	start := clock()
	for i := range b.N {
		do(i)
	}
	b.StopTimer()
	each := (clock() - start) / time.Duration(b.N)
	b.ReportMetric(2*float64(each)/float64(s+signatureTime()), "S")
}

func BenchmarkBareES256(b *testing.B) {
	sign := bareSignature()
	measured(b, ownTime, func(int) { sign() })
}

func BenchmarkBareCommit(b *testing.B) {
	for _, d := range databases {
		b.Run(d.name, func(b *testing.B) {
			db := storetest.Open(b, d.address(b))
			oid := idp.NewOID()
			measured(b, ownTime, func(int) {
				now := time.Now()
				err := db.InTx(b.Context(), func(tx *store.Tx) error {
					return tx.AddEvent(b.Context(), idp.Event{OID: oid, ID: idp.NewID(now), At: now.Unix(), What: idp.Registered})
				})
				if err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkBarePasswordHash(b *testing.B) {
	pool := authn.NewHashPool(1, 1, time.Minute)
	measured(b, ownTime, func(int) {
		if _, err := pool.Hash(b.Context(), password); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkPasswordSignIn is a whole sign-in: the portal's request, the page, the password, the code. The metric "ofhash" is
// the part of its time that the hash alone takes, which is measured in turn with it.
func BenchmarkPasswordSignIn(b *testing.B) {
	for _, d := range databases {
		b.Run(d.name, func(b *testing.B) {
			p := newProvider(b, d.address(b))
			var bare, whole time.Duration
			const block = 10 // and the garbage of each is collected at its own cost
			for range (b.N + block - 1) / block {
				bare += timed(block, verifyOnce)
				whole += timed(block, func() { p.signIn(b, newVisitor(p.inProcess)) })
			}
			b.ReportMetric(float64(bare)/float64(whole), "ofhash")
		})
	}
}

func timed(times int, do func()) time.Duration {
	start := ownTime()
	for range times {
		do()
	}
	runtime.GC()
	return ownTime() - start
}

// prepare returns one operation, ready to be repeated n times; what it needs is made in this process beforehand.
type prepare func(b *testing.B, p *provider, send sender, n int) func(i int)

var operations = []struct {
	name string
	prepare
}{
	{"client_credentials", machineToken("machine")},
	{"client_credentials opaque", machineToken("machine-opaque")},
	{"code exchange", exchange("portal")},
	{"code exchange RS256", exchange("portal-rs256")},
	{"code exchange opaque", exchange("portal-opaque")},
	{"refresh", refresh("portal")},
	{"refresh RS256", refresh("portal-rs256")},
	{"userinfo", userinfo("portal")},
	{"userinfo opaque", userinfo("portal-opaque")},
	{"introspection", introspection("portal")},
	{"introspection opaque", introspection("portal-opaque")},
	{"SSO authorize", authorize},
	{"discovery", fetch("/.well-known/openid-configuration")},
	{"jwks", fetch("/jwks")},
}

func BenchmarkProvider(b *testing.B) {
	for _, d := range databases {
		b.Run(d.name, func(b *testing.B) {
			p := newProvider(b, d.address(b))
			p.sso = newVisitor(p.inProcess)
			p.signIn(b, p.sso)
			overHTTP, childTime := p.startChild(b)
			for _, way := range []struct {
				name  string
				send  sender
				clock func() time.Duration
			}{{"process", p.inProcess, ownTime}, {"http", overHTTP, childTime}} {
				for _, op := range operations {
					b.Run(way.name+"/"+op.name, func(b *testing.B) {
						measured(b, way.clock, op.prepare(b, p, way.send, b.N))
					})
				}
			}
		})
	}
}

func machineToken(client string) prepare {
	return func(b *testing.B, _ *provider, send sender, _ int) func(int) {
		form := url.Values{"grant_type": {"client_credentials"}, "scope": {"records"}}
		return func(int) { send.mustPost(b, client, "/token", form) }
	}
}

func exchange(client string) prepare {
	return func(b *testing.B, p *provider, send sender, n int) func(int) {
		forms := make([]url.Values, n)
		for i := range forms {
			forms[i] = redemption(p.code(b, client))
		}
		return func(i int) { send.mustPost(b, client, "/token", forms[i]) }
	}
}

func refresh(client string) prepare {
	return func(b *testing.B, p *provider, send sender, _ int) func(int) {
		token := p.tokens(b, client).Refresh
		return func(int) {
			token = send.mustPost(b, client, "/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}).Refresh
		}
	}
}

func userinfo(client string) prepare {
	return func(b *testing.B, p *provider, send sender, _ int) func(int) {
		bearer := http.Header{"Authorization": {"Bearer " + p.tokens(b, client).Access}}
		return func(int) { send.must(b, http.MethodGet, "/userinfo", bearer, "", http.StatusOK) }
	}
}

func introspection(client string) prepare {
	return func(b *testing.B, p *provider, send sender, _ int) func(int) {
		form := url.Values{"token": {p.tokens(b, client).Access}}
		return func(int) {
			if !send.mustPost(b, client, "/introspect", form).Active {
				b.Fatal("the token is not active")
			}
		}
	}
}

func authorize(b *testing.B, p *provider, send sender, _ int) func(int) {
	v := &visitor{send: send, cookies: p.sso.cookies}
	return func(int) { v.authorize(b, "portal") }
}

func fetch(path string) prepare {
	return func(b *testing.B, _ *provider, send sender, _ int) func(int) {
		return func(int) { send.must(b, http.MethodGet, path, nil, "", http.StatusOK) }
	}
}
