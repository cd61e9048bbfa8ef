package gost

import (
	"bytes"
	"strings"
	"testing"
)

func TestMessagesAreBounded(t *testing.T) {
	nested := append(bytes.Repeat([]byte{0x30, 0x80}, 40), make([]byte, 80)...)
	for _, tt := range []struct {
		name, text string
		in         []byte
	}{
		{"too large", "too large", make([]byte, MaxSignedData+1)},
		{"nested too deeply", "nested", nested},
		{"cut short", "malformed", vectorFile(t, "attributes.p7s.b64")[:500]},
		{"followed by something", "after the end", append(vectorFile(t, "attributes.p7s.b64"), 0)},
		{"empty", "malformed", nil},
		{"an end without beginning", "malformed", []byte{0, 0}},
		{"a primitive value without length", "malformed", []byte{4, 0x80, 0, 0}},
		{"a length of eight bytes", "malformed", []byte{4, 0x88, 1, 0, 0, 0, 0, 0, 0, 0}},
		{"a string of other things", "malformed", []byte{0x24, 0x80, 2, 1, 0, 0, 0}},
	} {
		if _, err := ParseSignedData(tt.in); err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: got %v, want %q in it", tt.name, err, tt.text)
		}
	}
}

func TestBERBecomesDER(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"indefinite length", "3080020101" + "0000", "3003020101"},
		{"indefinite within indefinite", "30803080020101" + "00000000", "30053003020101"},
		{"a long form of a short length", "3082000402810101", "3003020101"},
		{"a string in pieces", "24800401aa2403" + "0401bb" + "0000", "0402aabb"},
		{"an empty string in pieces", "24800000", "0400"},
		{"zeros inside a primitive value", "3080040200000000", "300404020000"},
	} {
		got, err := toDER(unhex(t, tt.in))
		if err != nil || !bytes.Equal(got, unhex(t, tt.want)) {
			t.Errorf("%s: got %x, %v, want %s", tt.name, got, err, tt.want)
		}
	}
}

// toBER writes DER with indefinite lengths everywhere and octet strings in pieces.
func toBER(t *testing.T, der []byte) (out []byte) {
	t.Helper()
	for len(der) > 0 {
		tag, size, rest, err := berHeader(der)
		if err != nil {
			t.Fatal(err)
		}
		content := rest[:size]
		switch {
		case tag&0x20 != 0:
			out = append(append(append(out, tag, 0x80), toBER(t, content)...), 0, 0)
		case tag == 0x04:
			out = append(out, 0x24, 0x80)
			for len(content) > 0 {
				n := min(50, len(content))
				out = append(appendHeader(out, 4, n), content[:n]...)
				content = content[n:]
			}
			out = append(out, 0, 0)
		default:
			out = append(out, der[:len(der)-len(rest)+size]...)
		}
		der = rest[size:]
	}
	return out
}

func TestMessagesInBERVerify(t *testing.T) {
	for _, s := range signers() {
		for form, opts := range forms(s) {
			der, err := Sign([]byte(vectorV1), s.cert, s.key, opts)
			if err != nil {
				t.Fatal(err)
			}
			msg, err := ParseSignedData(toBER(t, der))
			if err != nil {
				t.Errorf("%s, %s: %v", s.name, form, err)
				continue
			}
			if _, err := msg.Verify([]byte(vectorV1)); err != nil {
				t.Errorf("%s, %s: %v", s.name, form, err)
			}
		}
	}
}

func FuzzToDER(f *testing.F) {
	f.Add(unhex(f, "24800401aa24030401bb0000"))
	f.Add(vectorFile(f, "attributes.p7s.b64"))
	f.Fuzz(func(t *testing.T, in []byte) {
		der, err := toDER(in)
		if err != nil {
			return
		}
		again, err := toDER(der)
		if err != nil || !bytes.Equal(again, der) {
			t.Errorf("%x became %x, then %x, %v", in, der, again, err)
		}
	})
}
