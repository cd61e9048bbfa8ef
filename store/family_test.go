package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"propusk/idp"
	"propusk/store"
	"propusk/store/storetest"
)

func keyOf(g idp.Grant) store.GrantKey { return store.GrantKey{OID: g.OID, ID: g.ID} }

// aGrant has every column filled that AddGrant writes.
func aGrant(oid idp.OID) idp.Grant {
	return idp.Grant{ID: idp.NewID(time.Unix(t0, 0)), OID: oid, ClientID: "portal", Face: idp.FaceESIA, SessionID: idp.NewID(time.Unix(t0, 0)),
		RedirectURI: "https://portal.example.ru/cb", CodeHash: []byte("code"), CodeChallenge: "challenge", CodeExpiresAt: t0 + 60,
		Scopes: []string{"openid", "snils"}, Attributes: []idp.Attribute{idp.AttrSNILS, idp.AttrName}, Claims: `{"id_token":{}}`,
		Resource: "https://api.example.ru", Nonce: "n", ACRs: []idp.ACR{{Tier: idp.Confirmed, Strength: idp.TwoFactors}, {Tier: idp.Standard}},
		Auth: idp.Authentication{Time: t0 - 9, Methods: []string{"pwd", "otp"}, Tier: idp.Confirmed, TierAt: t0 - 99, TierMethod: idp.ByCentre,
			RecoveredAt: t0 - 999},
		Epoch: 2, Offline: true, RefreshHash: []byte("refresh"), CreatedAt: t0, ExpiresAt: t0 + 1000}
}

func addGrant(t *testing.T, db *store.DB, change func(*idp.Grant)) idp.Grant {
	t.Helper()
	g := aGrant(idp.NewOID())
	if change != nil {
		change(&g)
	}
	must(t, db.AddGrant(t.Context(), g))
	return g
}

func TestAGrantComesBackAsItWent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, a := t.Context(), anAccount(t, db)
		s := aSession(a.OID, t0)
		must(t, db.PutSession(ctx, s))
		g := addGrant(t, db, func(g *idp.Grant) { g.OID, g.SessionID = a.OID, s.ID })
		got, err := db.Grant(ctx, keyOf(g))
		if diff := cmp.Diff(g, got); err != nil || diff != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, diff)
		}
		got, of, live, err := db.GrantWith(ctx, keyOf(g), t0+1)
		if diff := cmp.Diff(g, got) + cmp.Diff(a, of); err != nil || diff != "" || !live {
			t.Errorf("err = %v, session alive %v, diff (-want +got):\n%s", err, live, diff)
		}
		if _, _, live, err := db.GrantWith(ctx, keyOf(g), t0+idp.SessionIdle); err != nil || live {
			t.Errorf("session idle: alive %v, %v", live, err)
		}
		holds(t, "another account's key", false)(found(db.Grant(ctx, store.GrantKey{OID: g.OID + 1, ID: g.ID})))
	})
}

func TestACodeIsRedeemedOnceUnderItsGuards(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for name, c := range map[string]struct {
			change       func(*idp.Grant)
			code, client string
			now          int64
			want         bool
		}{
			"in time":                     {nil, "code", "portal", t0 + 59, true},
			"too late":                    {nil, "code", "portal", t0 + 60, false},
			"another code":                {nil, "other", "portal", t0, false},
			"another client":              {nil, "code", "stranger", t0, false},
			"a grant without a code hash": {func(g *idp.Grant) { g.CodeHash = nil }, "code", "portal", t0, false},
		} {
			g := addGrant(t, db, c.change)
			holds(t, name, c.want)(found(db.Redeem(ctx, keyOf(g), []byte(c.code), c.client, c.now)))
		}
		ended := addGrant(t, db, nil)
		holds(t, "end", true)(db.EndGrant(ctx, keyOf(ended), t0))
		holds(t, "end twice", false)(db.EndGrant(ctx, keyOf(ended), t0))
		holds(t, "ended", false)(found(db.Redeem(ctx, keyOf(ended), []byte("code"), "portal", t0)))

		g := addGrant(t, db, nil)
		if won := race(t, 20, func() (bool, error) { return found(db.Redeem(ctx, keyOf(g), []byte("code"), "portal", t0+1)) }); won != 1 {
			t.Errorf("%d redeemed one code, want 1", won)
		}
		g.RedeemedAt = t0 + 1
		if got, err := db.Grant(ctx, keyOf(g)); err != nil || cmp.Diff(g, got) != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, cmp.Diff(g, got))
		}
	})
}

func TestARefreshTokenIsRotatedOnceUnderItsGuards(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		redeemed := func(change func(*idp.Grant)) store.GrantKey {
			g := addGrant(t, db, change)
			holds(t, "redeem", true)(found(db.Redeem(ctx, keyOf(g), []byte("code"), "portal", t0)))
			return keyOf(g)
		}
		use := store.RefreshUse{Hash: []byte("refresh"), ClientID: "portal", Now: t0 + 1}
		for name, c := range map[string]struct {
			key  store.GrantKey
			use  store.RefreshUse
			want bool
		}{
			"right":           {redeemed(nil), use, true},
			"not redeemed":    {keyOf(addGrant(t, db, nil)), use, false},
			"not offline":     {redeemed(func(g *idp.Grant) { g.Offline = false }), use, false},
			"expired":         {redeemed(nil), store.RefreshUse{Hash: use.Hash, ClientID: "portal", Now: t0 + 1000}, false},
			"another client":  {redeemed(nil), store.RefreshUse{Hash: use.Hash, ClientID: "stranger", Now: t0}, false},
			"another secret":  {redeemed(nil), store.RefreshUse{Hash: []byte("guess"), ClientID: "portal", Now: t0}, false},
			"next generation": {redeemed(nil), store.RefreshUse{Hash: use.Hash, ClientID: "portal", Generation: 1, Now: t0}, false},
		} {
			holds(t, name, c.want)(found(db.Rotate(ctx, c.key, c.use)))
		}
		key := redeemed(nil)
		if won := race(t, 20, func() (bool, error) { return found(db.Rotate(ctx, key, use)) }); won != 1 {
			t.Errorf("%d rotated one token, want 1", won)
		}
		if g, err := db.Grant(ctx, key); err != nil || g.Generation != 1 || g.RotatedAt != t0+1 {
			t.Errorf("generation %d at %d, %v; want 1", g.Generation, g.RotatedAt, err)
		}
		holds(t, "end", true)(db.EndGrant(ctx, key, t0+2))
		use.Generation = 1
		holds(t, "ended", false)(found(db.Rotate(ctx, key, use)))
	})
}

func TestAConsentIsKeptReplacedListedAndWithdrawn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, oid := t.Context(), idp.NewOID()
		if c, err := db.Consent(ctx, oid, "portal"); c != nil || err != nil {
			t.Errorf("before any: %v, %v", c, err)
		}
		first := idp.Consent{OID: oid, ClientID: "portal", Attributes: []idp.Attribute{idp.AttrName}, GrantedAt: t0, ExpiresAt: t0 + 10}
		must(t, db.PutConsent(ctx, first))
		second := idp.Consent{OID: oid, ClientID: "portal", Attributes: []idp.Attribute{idp.AttrName, idp.AttrSNILS}, Offline: true,
			Purposes: map[string]string{"snils": "найти «обращение»"}, GrantedAt: t0 + 1, ExpiresAt: t0 + 11}
		must(t, db.PutConsent(ctx, second))
		other := idp.Consent{OID: oid, ClientID: "archive", GrantedAt: t0 + 2, ExpiresAt: t0 + 12}
		must(t, db.PutConsent(ctx, other))
		if got, err := db.Consent(ctx, oid, "portal"); err != nil || cmp.Diff(&second, got) != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, cmp.Diff(&second, got))
		}
		if got, err := db.Consents(ctx, oid); err != nil || cmp.Diff([]idp.Consent{other, second}, got) != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, cmp.Diff([]idp.Consent{other, second}, got))
		}
		here := addGrant(t, db, func(g *idp.Grant) { g.OID = oid })
		there := addGrant(t, db, func(g *idp.Grant) { g.OID, g.ClientID = oid, "archive" })
		holds(t, "withdraw", true)(db.WithdrawConsent(ctx, oid, "portal", t0+3))
		holds(t, "withdraw twice", false)(db.WithdrawConsent(ctx, oid, "portal", t0+3))
		if g, err := db.Grant(ctx, keyOf(here)); err != nil || g.EndedAt != t0+3 {
			t.Errorf("grant of the client ended at %d, %v", g.EndedAt, err)
		}
		if g, err := db.Grant(ctx, keyOf(there)); err != nil || g.EndedAt != 0 {
			t.Errorf("grant of another client ended at %d, %v", g.EndedAt, err)
		}
	})
}

func TestAnAccessTokenIsKeptAndRevoked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		want := store.AccessToken{Hash: []byte("h"), Grant: store.GrantKey{OID: 12345678901, ID: idp.NewID(time.Unix(t0, 0))}, ClientID: "portal",
			Scopes: []string{"openid", "inn"}, Audience: "portal https://idp", IssuedAt: t0, ExpiresAt: t0 + 600}
		holds(t, "unknown", false)(found(db.AccessToken(ctx, want.Hash)))
		must(t, db.AddAccessToken(ctx, want))
		if got, err := db.AccessToken(ctx, want.Hash); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, cmp.Diff(want, got))
		}
		want.Revoked = true
		must(t, db.AddAccessToken(ctx, want))
		if got, err := db.AccessToken(ctx, want.Hash); err != nil || !got.Revoked {
			t.Errorf("revoked = %v, %v", got.Revoked, err)
		}
	})
}

func TestAnAssertionIsUsedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if won := race(t, 20, func() (bool, error) { return db.UseAssertion(t.Context(), []byte("jti"), t0+60) }); won != 1 {
			t.Errorf("%d used one assertion, want 1", won)
		}
		holds(t, "another", true)(db.UseAssertion(t.Context(), []byte("jti 2"), t0+60))
	})
}
