package relyingparty

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// passportScope asks for the identity document.
const passportScope = "id_doc"

// mePage is the struct of me.html (screen G2).
type mePage struct {
	Level, ACR, Method, Since string
	Recovered, Refreshed      string // sentences, empty if there is nothing to say
	Low                       bool
	Confirmed, Factor         string // acr values of the step-up buttons; Factor is empty if two factors were proved
	Claims                    []claimLine
	Header, Payload           string
}

type claimLine struct {
	Name, Value, Source string
	Nested              bool
}

func (s *site) showMe(w http.ResponseWriter, r *http.Request, session *Session) {
	l, now := s.language(r), time.Now()
	level := session.Level()
	page := mePage{Level: l.level(level), ACR: session.Claims.ACR, Low: level.Tier != Confirmed,
		Confirmed: ACR{Tier: Confirmed}.String(), Since: l.moment(session.Started, now)}
	if session.Claims.AuthTime != nil {
		page.Since = l.moment(session.Claims.AuthTime.Time(), now)
	}
	if method := "method." + session.Claims.TierMethod; texts[method] != [2]string{} {
		page.Method = l.text(method)
	}
	if at, ok := session.Claims.All["recovered_at"].(int64); ok {
		page.Recovered = l.text("me.recovered", l.moment(time.Unix(at, 0), now))
	}
	if level.Factor == AnyFactor {
		page.Factor = ACR{level.Tier, TwoFactors}.String()
	}
	if r.URL.Query().Has("refreshed") {
		page.Refreshed = l.text("me.refreshed", l.moment(session.Renewed, now))
	}
	page.Claims = claimLines(session, l)
	page.Header, page.Payload = decodedToken(session.IDToken)
	heading := l.text("me.title-nameless")
	if name := cmp.Or(session.Text("given_name"), session.Text("name")); name != "" {
		heading = l.text("me.title", name)
	}
	s.show(w, r, http.StatusOK, view{name: "me", step: "portal-me", heading: heading, wide: true, body: page})
}

// claimLines lists every claim with where it came from.
func claimLines(session *Session, l language) []claimLine {
	var lines []claimLine
	for _, name := range session.ClaimNames() {
		value, source := session.Claim(name)
		line := claimLine{Name: name, Source: l.text("me.source-" + source)}
		switch value := value.(type) {
		case string:
			line.Value = value
		case map[string]any, []any:
			line.Value, line.Nested = listed(value)
		default:
			line.Value = fmt.Sprint(value)
		}
		lines = append(lines, line)
	}
	return lines
}

// listed joins a list of words; anything deeper is shown as JSON.
func listed(value any) (text string, nested bool) {
	list, ok := value.([]any)
	var words []string
	for _, item := range list {
		word, isWord := item.(string)
		ok = ok && isWord
		words = append(words, word)
	}
	if ok {
		return strings.Join(words, ", "), false
	}
	return indented(value), true
}

// decodedToken shows header and payload of a token that was verified when it came.
func decodedToken(raw string) (header, payload string) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return "", ""
	}
	return decodedPart(parts[0]), decodedPart(parts[1])
}

func decodedPart(part string) string {
	body, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return ""
	}
	return maskedJSON(body)
}

// submitPassport asks for one scope more; the visitor decides at the provider.
func (s *site) submitPassport(w http.ResponseWriter, r *http.Request, session *Session) {
	s.begin(w, r, Request{ReturnTo: localOr(r.PostForm.Get("return"), "/me"), Scopes: s.scopesWith(session, passportScope)})
}

// submitAgain asks for a new proof, whatever session the provider has.
func (s *site) submitAgain(w http.ResponseWriter, r *http.Request, _ *Session) {
	s.begin(w, r, Request{ReturnTo: "/me", Reauthenticate: true})
}

// submitRefresh uses the refresh token.
func (s *site) submitRefresh(w http.ResponseWriter, r *http.Request, session *Session) {
	_, err := s.client.Refresh(r.Context(), session)
	if err == nil {
		http.Redirect(w, r, "/me?refreshed", http.StatusSeeOther)
		return
	}
	s.logRefusal(r, "refresh", err)
	l := s.language(r)
	status, page := explain(l, Request{}, err)
	if errors.Is(err, ErrNoRefreshToken) || refused(err) {
		status, page.What, page.Why = http.StatusConflict, l.text("error.refresh"), l.text("error.refresh-none")
	}
	page.Again, page.Back, page.BackText = "/login?return=%2Fme", "/me", l.text("layout.me")
	s.show(w, r, status, view{name: "error", step: "portal-error", heading: l.text("error.refresh"), body: page})
}

// passportOf returns the visitor's passport masked, as «45 04 … 21», empty if it was not shared. The provider lists
// documents with type, series and number; a citizen of another country has FID_DOC, often without a series.
func passportOf(session *Session) string {
	value, _ := session.Claim("documents")
	list, _ := value.([]any)
	for _, item := range list {
		document, _ := item.(map[string]any)
		if kind := plain(document["type"]); kind != "RF_PASSPORT" && kind != "FID_DOC" {
			continue
		}
		series, number := plain(document["series"]), []rune(plain(document["number"]))
		masked := "… " + string(number[max(0, len(number)-2):])
		if len(series) == 4 {
			masked = series[:2] + " " + series[2:] + " " + masked
		}
		return masked
	}
	return ""
}

// plain is a string or a number as text.
func plain(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	}
	return ""
}

// howPage is the struct of how.html.
type howPage struct {
	Checks    []string
	Exchanges []exchangeView
}

type exchangeView struct {
	Title, At, DateTime, Method, URL string
	Header, Fields                   []Field
	Status, Answer                   string
}

// showHow shows every message of the visitor's sign-in, in order.
func (s *site) showHow(w http.ResponseWriter, r *http.Request) {
	l, now := s.language(r), time.Now()
	var page howPage
	for _, number := range "123456" {
		page.Checks = append(page.Checks, l.text("how.check-"+string(number)))
	}
	if session, ok := s.client.Session(r); ok {
		for _, e := range session.Trace {
			shown := exchangeView{Title: l.text("how.step-" + e.Step), At: l.moment(e.At, now), DateTime: e.At.Format(time.RFC3339),
				Method: e.Method, URL: e.URL, Header: e.Header, Fields: e.Fields, Answer: e.Answer}
			if e.Status != 0 {
				shown.Status = l.text("how.status", e.Status)
			}
			page.Exchanges = append(page.Exchanges, shown)
		}
	}
	s.show(w, r, http.StatusOK, view{name: "how", step: "portal-how", heading: l.text("how.title"), wide: true, body: page})
}
