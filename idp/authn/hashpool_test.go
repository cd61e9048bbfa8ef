package authn

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"propusk/idp"
)

func TestHashIsVerified(t *testing.T) {
	p := NewHashPool(0, 8, time.Minute)
	ctx := t.Context()
	phc, err := p.Hash(ctx, "Kofe-7utrom")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("phc = %s", phc)
	}
	weak := storedHash{params: hashParams{1, 64, 1}, salt: []byte("0123456789abcdef")}
	weak.hash = weak.derive("Kofe-7utrom", hashLen)
	composed, _ := p.Hash(ctx, "й-й-й-й-й-й-й-й")
	for name, c := range map[string]struct {
		phc, password string
		ok, rehash    bool
	}{
		"right":                              {phc, "Kofe-7utrom", true, false},
		"wrong":                              {phc, "Kofe-7utroM", false, false},
		"empty":                              {phc, "", false, false},
		"a space more":                       {phc, "Kofe-7utrom ", false, false},
		"right, former parameters":           {weak.String(), "Kofe-7utrom", true, true},
		"wrong, former parameters":           {weak.String(), "x", false, false},
		"unknown account":                    {"", "Kofe-7utrom", false, false},
		"unknown account and empty password": {"", "", false, false},
		"letters composed otherwise":         {composed, strings.Repeat("-й", 8)[1:], true, false},
	} {
		ok, rehash, err := p.Verify(ctx, c.phc, c.password)
		if ok != c.ok || rehash != c.rehash || err != nil {
			t.Errorf("%s: got %v, %v, %v, want %v, %v", name, ok, rehash, err, c.ok, c.rehash)
		}
	}
}

// The reference implementation's test vector (RFC 9106 gives one with secret and data only): argon2 0123456789abcdef -id.
func TestHashesOfOthersAreRead(t *testing.T) {
	s, err := parseHash("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	if err != nil {
		t.Fatal(err)
	}
	if !s.matches("password") {
		t.Error("the vector of the reference implementation does not verify")
	}
}

func TestDamagedHashes(t *testing.T) {
	good := storedHash{params: hashParams{1, 64, 1}, salt: make([]byte, 16), hash: make([]byte, 32)}.String()
	if _, err := parseHash(good); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"other algorithm":  strings.Replace(good, "argon2id", "argon2i", 1),
		"other version":    strings.Replace(good, "v=19", "v=16", 1),
		"too much memory":  strings.Replace(good, "m=64", "m=4000000", 1),
		"too many passes":  strings.Replace(good, "t=1", "t=1000", 1),
		"no passes":        strings.Replace(good, "t=1", "t=0", 1),
		"too many lanes":   strings.Replace(good, "p=1", "p=256", 1),
		"too little":       strings.Replace(good, "m=64", "m=7", 1),
		"other order":      strings.Replace(good, "m=64,t=1", "t=1,m=64", 1),
		"negative":         strings.Replace(good, "t=1", "t=-1", 1),
		"cut":              good[:len(good)-40],
		"more":             good + "$",
		"salt not base64":  strings.Replace(good, "$AAAA", "$A!AA", 1),
		"bcrypt":           "$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
		"plain":            "secret",
		"no salt, no hash": "$argon2id$v=19$m=64,t=1,p=1$$",
	} {
		if _, err := parseHash(bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, _, err := NewHashPool(1, 0, 0).Verify(t.Context(), "x", "x"); err == nil || errors.Is(err, idp.Unavailable) {
		t.Errorf("Verify with a damaged hash: err = %v", err)
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, phc string) {
		s, err := parseHash(phc)
		if err == nil && (s.params.memory > maxParams.memory || s.params.time > maxParams.time) {
			t.Errorf("out of bounds: %+v", s.params)
		}
	})
}

func wantBusy(t *testing.T, name string, err error) {
	t.Helper()
	var e *idp.Error
	if !errors.As(err, &e) || !errors.Is(err, idp.Unavailable) || e.Code != "password.busy" || e.RetryAfter < time.Second {
		t.Errorf("%s: err = %v, want Unavailable with Retry-After", name, err)
	}
}

// In these tests the slots are held by the test, so that no hash is computed and time is synctest's.
func TestQueue(t *testing.T) {
	t.Run("a full queue refuses at once, a waiting one after the wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := NewHashPool(1, 1, 2*time.Second)
			if err := p.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			done := make(chan error, 1)
			go func() { done <- p.enter(t.Context()) }()
			synctest.Wait()
			wantBusy(t, "third", p.enter(t.Context()))
			if d := time.Since(start); d != 0 {
				t.Errorf("refused after %v, want at once", d)
			}
			wantBusy(t, "second", <-done)
			if d := time.Since(start); d != 2*time.Second {
				t.Errorf("gave up after %v, want 2s", d)
			}
			p.leave()
			if err := p.enter(t.Context()); err != nil {
				t.Errorf("after the load: %v", err)
			}
		})
	})
	t.Run("who came first is served first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := NewHashPool(1, 10, time.Hour)
			p.enter(t.Context())
			var order []int
			for i := range 10 {
				go func() {
					if err := p.enter(t.Context()); err != nil {
						t.Error(err)
					}
					order = append(order, i)
					p.leave()
				}()
				synctest.Wait()
			}
			p.leave()
			synctest.Wait()
			for i, n := range order {
				if i != n {
					t.Fatalf("order = %v", order)
				}
			}
			if len(order) != 10 {
				t.Errorf("served %d, want 10", len(order))
			}
		})
	})
	t.Run("who has gone does not wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := NewHashPool(1, 1, time.Hour)
			p.enter(t.Context())
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- p.enter(ctx) }()
			synctest.Wait()
			cancel()
			err := <-done
			wantBusy(t, "gone", err)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("err = %v, want the cause", err)
			}
			if _, err := p.Hash(ctx, "x"); !errors.Is(err, context.Canceled) {
				t.Errorf("Hash with an ended context: err = %v", err)
			}
			if p.waiting.Load() != 0 {
				t.Errorf("waiting = %d, want 0", p.waiting.Load())
			}
		})
	})
}

// rss is the resident memory of this process in MiB, 0 where /proc does not tell.
func rss() float64 {
	b, _ := os.ReadFile("/proc/self/statm")
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(f[1])
	return float64(n*os.Getpagesize()) / (1 << 20)
}

func TestIdlePoolGivesMemoryBack(t *testing.T) {
	if rss() == 0 {
		t.Skip("needs /proc")
	}
	p := NewHashPool(0, 100, time.Minute)
	debug.FreeOSMemory()
	before := rss()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := p.Hash(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	loaded := rss()
	p.Trim()
	if now := rss(); now < loaded-10 {
		t.Errorf("trimmed at once, to %.0f MiB: hashes of the last minute do not mean idle", now)
	}
	p.Trim()
	after := rss()
	t.Logf("resident: %.0f MiB before, %.0f under load, %.0f afterwards", before, loaded, after)
	if after > before+max(10, (loaded-before)/2) { // other tests of this process leave garbage of their own meanwhile
		t.Errorf("resident %.0f MiB after the load, before it %.0f", after, before)
	}
}

// BenchmarkHashPool compares the bare hash on all cores with the pool under four times as many callers as cores.
func BenchmarkHashPool(b *testing.B) {
	b.Run("bare-one-core", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			decoy.matches("Kofe-7utrom")
		}
	})
	b.Run("bare-all-cores", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				decoy.matches("Kofe-7utrom")
			}
		})
	})
	b.Run("pool-all-cores", func(b *testing.B) {
		p := NewHashPool(0, 1000, time.Minute)
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, _, err := p.Verify(b.Context(), "", "Kofe-7utrom"); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
