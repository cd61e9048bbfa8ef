package standin

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
)

func TestItImportsNothingOfOurs(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	for name := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(name, "propusk/") && name != "propusk/standin" {
			t.Errorf("it imports %s", name)
		}
	}
}

func TestAReferenceSeenBeforeIsOneMessage(t *testing.T) {
	s := &SMS{Secret: "token"}
	ask := func(reference, token string) (int, string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(`{"to":"+79123456789","text":"x","reference":"`+reference+`"}`))
		r.Header.Set("Idempotency-Key", reference)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	for _, c := range []struct {
		reference, token string
		status           int
		body             string
	}{{"a", "token", 202, `{"id":"g-1"}`}, {"b", "token", 202, `{"id":"g-2"}`}, {"a", "token", 202, `{"id":"g-1"}`}, {"c", "other", http.StatusUnauthorized, `{"error":"token"}`}} {
		if status, body := ask(c.reference, c.token); status != c.status || body != c.body {
			t.Errorf("%s: got %d %s", c.reference, status, body)
		}
	}
	if n := len(s.Taken()); n != 2 || s.Asked() != 4 {
		t.Errorf("%d taken, %d asked", n, s.Asked())
	}
}
