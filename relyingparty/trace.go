package relyingparty

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Exchange is one message pair of a sign-in, kept for integrators. Secrets are masked before it is made: what could be
// used again by a reader (codes, tokens, the client's secret) never enters it.
type Exchange struct {
	Step   string // authorize, callback, token, userinfo or refresh
	At     time.Time
	Method string
	URL    string  // without the query, which is in Fields
	Header []Field // of the request
	Fields []Field // of the query or of the form, sorted by name
	Status int     // of the answer; 0 where the browser carries it
	Answer string  // indented JSON, empty where there is none
}

// Field is a name with a value.
type Field struct{ Name, Value string }

// maxTrace bounds the exchanges kept in a session: the sign-in and the latest refreshes.
const maxTrace = 20

// secretNames are the parameters and members that are masked, in requests and in answers.
var secretNames = []string{"client_secret", "client_assertion", "code", "code_verifier", "access_token", "refresh_token",
	"id_token", "id_token_hint"}

// mask leaves enough of a secret to recognise it beside a log of the provider, and too little to use it.
func mask(secret string) string {
	if len(secret) < 24 {
		return "…"
	}
	return fmt.Sprintf("%s… (%d)", secret[:6], len(secret))
}

// maskedFields lists parameters by name, secrets masked.
func maskedFields(values url.Values) []Field {
	var fields []Field
	for name, list := range values {
		for _, value := range list {
			if slices.Contains(secretNames, name) {
				value = mask(value)
			}
			fields = append(fields, Field{name, value})
		}
	}
	slices.SortStableFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// maskedJSON indents a JSON object, secrets masked. What is not an object is not shown at all.
func maskedJSON(body []byte) string {
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		return ""
	}
	for name, value := range object {
		if text, ok := value.(string); ok && slices.Contains(secretNames, name) {
			object[name] = mask(text)
		}
	}
	return indented(object)
}

// indented is JSON for people: two spaces, no escapes of < and >.
func indented(value any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return ""
	}
	return strings.TrimSpace(out.String())
}

// browserExchange describes a message that the browser carried as a URL.
func browserExchange(step string, u *url.URL, now time.Time) Exchange {
	return Exchange{Step: step, At: now, Method: http.MethodGet, URL: bare(u), Fields: maskedFields(u.Query())}
}

// serverExchange describes a request of this server with its answer.
func serverExchange(step string, request *http.Request, form url.Values, now time.Time) Exchange {
	e := Exchange{Step: step, At: now, Method: request.Method, URL: bare(request.URL), Fields: maskedFields(form)}
	if authorization := request.Header.Get("Authorization"); authorization != "" {
		scheme, credentials, _ := strings.Cut(authorization, " ")
		shown := mask(credentials)
		if id, _, basic := request.BasicAuth(); basic { // the beginning of the base64 could hold some of the secret
			shown = "base64(" + id + ":…)"
		}
		e.Header = []Field{{"Authorization", scheme + " " + shown}}
	}
	return e
}

func bare(u *url.URL) string {
	c := *u
	c.RawQuery, c.Fragment, c.User = "", "", nil
	return c.String()
}
