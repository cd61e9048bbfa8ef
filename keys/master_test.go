package keys

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestMasterIsReadFromItsFile(t *testing.T) {
	m, text := NewMaster()
	again, err := ParseMaster([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if m.MAC("x", []byte("a")) != again.MAC("x", []byte("a")) {
		t.Error("the key read differs from the key made")
	}
	for name, bad := range map[string]string{
		"empty":           "",
		"not base64":      "secret!",
		"too short":       "c2hvcnQ=",
		"too long":        strings.TrimSpace(text)[:40] + strings.TrimSpace(text),
		"a placeholder":   strings.Repeat("A", 43) + "=",
		"without padding": strings.TrimRight(text, "=\n"),
	} {
		if _, err := ParseMaster([]byte(bad)); err == nil {
			t.Errorf("%s: got no error", name)
		} else if len(bad) > 8 && strings.Contains(err.Error(), bad[:8]) {
			t.Errorf("%s: the error repeats the key: %v", name, err)
		}
	}
}

func TestSealedOpensOnlyWhereItBelongs(t *testing.T) {
	m, _ := NewMaster()
	other, _ := NewMaster()
	sealed := m.Seal("totp", []byte("secret"), []byte("row 1"))
	if len(sealed) != len("secret")+SealOverhead {
		t.Errorf("length = %d, want %d", len(sealed), len("secret")+SealOverhead)
	}
	if bytes.Equal(sealed, m.Seal("totp", []byte("secret"), []byte("row 1"))) {
		t.Error("sealing twice gives the same bytes")
	}
	plain, err := m.Open("totp", sealed, []byte("row 1"))
	if err != nil || string(plain) != "secret" {
		t.Fatalf("Open = %q, %v", plain, err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	version := bytes.Clone(sealed)
	version[0]++
	for name, open := range map[string]func() ([]byte, error){
		"other row":     func() ([]byte, error) { return m.Open("totp", sealed, []byte("row 2")) },
		"other purpose": func() ([]byte, error) { return m.Open("outbox", sealed, []byte("row 1")) },
		"other master":  func() ([]byte, error) { return other.Open("totp", sealed, []byte("row 1")) },
		"changed":       func() ([]byte, error) { return m.Open("totp", changed, []byte("row 1")) },
		"other version": func() ([]byte, error) { return m.Open("totp", version, []byte("row 1")) },
		"cut":           func() ([]byte, error) { return m.Open("totp", sealed[:SealOverhead-1], []byte("row 1")) },
		"empty":         func() ([]byte, error) { return m.Open("totp", nil, []byte("row 1")) },
	} {
		if _, err := open(); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: err = %v, want ErrSealed", name, err)
		}
	}
}

func TestMACFramesItsPieces(t *testing.T) {
	m, _ := NewMaster()
	ab := m.MAC("p", []byte("ab"), []byte("c"))
	for name, other := range map[string][32]byte{
		"moved border":  m.MAC("p", []byte("a"), []byte("bc")),
		"joined":        m.MAC("p", []byte("abc")),
		"empty piece":   m.MAC("p", []byte("ab"), []byte("c"), nil),
		"other purpose": m.MAC("q", []byte("ab"), []byte("c")),
	} {
		if ab == other {
			t.Errorf("%s: same code", name)
		}
	}
	same := m.MAC("p", []byte("ab"), []byte("c"))
	if !Equal(ab[:], same[:]) || Equal(ab[:], same[:31]) {
		t.Error("Equal is wrong")
	}
}

func TestMasterIsNeverPrinted(t *testing.T) {
	m, _ := NewMaster()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "master", m)
	for _, s := range []string{
		fmt.Sprint(m), fmt.Sprintf("%+v %#v %s %q %x %d", m, m, m, m, m, m), log.String(),
	} {
		if !strings.Contains(s, "hidden") || strings.Contains(s, fmt.Sprint(m.root[0], m.root[1])) {
			t.Errorf("printed as %s", s)
		}
	}
}
