package gost

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"
)

// unhex reads the hexadecimal text of a test vector.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 6986, 10 prints strings with the highest byte first; here they are in the order of the bytes of a file.
var (
	streebogM1 = []byte("012345678901234567890123456789012345678901234567890123456789012")
	streebogM2 = "d1e520e2e5f2f0e82c20d1f2f0e8e1eee6e820e2edf3f6e82c20e2e5fef2fa20" +
		"f120eceef0ff20f1f2f0e5ebe0ece820ede020f5f0e0e1f0fbff20efebfaeafb20c8e3eef0e5e2fb"
)

func TestStreebogGivesThePublishedDigests(t *testing.T) {
	for _, tt := range []struct {
		name       string
		msg        []byte
		h256, h512 string
	}{
		{"RFC 6986 10.1, message M1", streebogM1,
			"9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500",
			"1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48"},
		{"RFC 6986 10.2, message M2", unhex(t, streebogM2),
			"9dd2fe4e90409e5da87f53976d7405b0c0cac628fc669a741d50063c557e8f50",
			"1e88e62226bfca6f9994f1f2d51569e0daf8475a3b0fe61a5300eee46d961376035fe83549ada2b8620fcd7c496ce5b33f0cb9dddc2b6460143b03dabac9fb28"},
		{"the empty message", nil,
			"3f539a213e97c802cc229d474c6aa32a825a360b2a933a949fd925208d9ce1bb",
			"8e945da209aa869f0455928529bcae4679e9873ab707b55315f56ceb98bef0a7362f715528356ee83cda5f2aac4c6ad2ba3a715c1bcd81cb8e9f90bf4c1c1a8a"},
		{"the v2/ac string of esia-protocol.md A",
			[]byte("TESTISopenid fullname2026.01.02 03:04:05 +00005f1c0f6e-1f5b-4a0e-9d57-3f2b7a1c9e10http://localhost/cb"),
			"a18a795c1f6878f8c6ea34fdfc492b02a7f01d7968868abbfd3ffcdbbb7da25d", ""},
		{"the v1 string of esia-protocol.md A",
			[]byte("openid fullname2026.01.02 03:04:05 +0000TESTIS5f1c0f6e-1f5b-4a0e-9d57-3f2b7a1c9e10"),
			"6531ae6565190e1d0098b450d642c0e017bb9f4597298c50afbe0e8d821780fd", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Sum256(tt.msg); hex.EncodeToString(got[:]) != tt.h256 {
				t.Errorf("Sum256 = %x, want %s", got, tt.h256)
			}
			if got := Sum512(tt.msg); tt.h512 != "" && hex.EncodeToString(got[:]) != tt.h512 {
				t.Errorf("Sum512 = %x, want %s", got, tt.h512)
			}
		})
	}
}

func TestStreebogDoesNotDependOnHowAMessageIsCut(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		msg := make([]byte, n)
		for i := range msg {
			msg[i] = 0xff - byte(i%3) // high bytes make the carries of the control sum run
		}
		a, b := New256(), New512()
		for rest := msg; len(rest) > 0; {
			k := rnd.IntN(min(len(rest), 100)) + 1
			a.Write(rest[:k])
			b.Write(rest[:k])
			a.Sum(nil) // must not disturb the state
			rest = rest[k:]
		}
		want256, want512 := Sum256(msg), Sum512(msg)
		if got := a.Sum(nil); !bytes.Equal(got, want256[:]) {
			t.Errorf("256, %d bytes: got %x, want %x", n, got, want256)
		}
		if got := b.Sum([]byte("x")); !bytes.Equal(got, append([]byte("x"), want512[:]...)) {
			t.Errorf("512, %d bytes: got %x, want x and %x", n, got, want512)
		}
		a.Reset()
		a.Write(msg)
		if got := a.Sum(nil); !bytes.Equal(got, want256[:]) {
			t.Errorf("256 after Reset, %d bytes: got %x, want %x", n, got, want256)
		}
	}
}

func BenchmarkStreebog256(b *testing.B) {
	for _, n := range []int{100, 8192} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			msg := make([]byte, n)
			b.SetBytes(int64(n))
			for b.Loop() {
				Sum256(msg)
			}
		})
	}
}
