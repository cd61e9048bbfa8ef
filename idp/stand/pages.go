package stand

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"propusk/idp"
	"propusk/idp/notify"
)

// The page shows this many created citizens and messages; the JSON has all of them.
const (
	mostCreated  = 50
	mostMessages = 100
)

func (s *Stand) showDev(w http.ResponseWriter, r *http.Request, now time.Time) error {
	return s.renderDev(w, r, http.StatusOK, nil, nil, now)
}

// renderDev renders S1; after a refused form with what was typed and what is wrong.
func (s *Stand) renderDev(w http.ResponseWriter, r *http.Request, status int, typed members, problem error, now time.Time) error {
	f := s.Site.Frame(r, "", now.Unix())
	if problem != nil {
		f.Self = "/dev/" // the address of the form answers a GET with JSON
		f = f.With(problem)
	}
	rows, err := s.citizenRows(r.Context(), f.Lang)
	if err != nil {
		return err
	}
	messages := s.Outbox.All()
	p := DevPage{Frame: f, Citizens: rows, Messages: messageRows(messages), Systems: s.systemRows(), Addresses: s.addresses(), Commands: s.commands()}
	p.Typed.Name, p.Typed.Phone, p.Typed.Email = typed["name"], typed["phone"], typed["email"]
	p.Typed.Tier, p.Typed.SecondFactor = typed["tier"], typed["second_factor"]
	if len(messages) > 0 {
		p.Newest = messages[len(messages)-1].ID
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.Site.Render(w, status, p)
}

// citizenRows lists created citizens, newest first, then the fixed ones.
func (s *Stand) citizenRows(ctx context.Context, lang idp.Language) ([]CitizenRow, error) {
	all, err := readFixed()
	if err != nil {
		return nil, err
	}
	entries := s.book.all()
	n := min(len(all), len(entries)) // the fixed ones come first in the book; none before Seed
	made := slices.Clone(entries[n:])
	slices.Reverse(made)
	if len(made) > mostCreated {
		made = made[:mostCreated]
	}
	citizens, err := s.records(ctx, append(made, entries[:n]...))
	if err != nil {
		return nil, err
	}
	var rows []CitizenRow
	for _, c := range citizens {
		row := CitizenRow{Name: c.Name, Phone: string(c.Phone), Email: string(c.Email), SNILS: c.SNILS, Password: c.Password,
			Locked: c.Status == idp.Locked, Tier: c.Tier, TierMethod: c.TierMethod, SecondFactor: c.SecondFactor, TOTPSecret: c.TOTPSecret, Note: c.Note}
		if lang == idp.Russian && c.noteRU != "" {
			row.Note = c.noteRU
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// messageRows lists the newest messages, the newest on top.
func messageRows(entries []notify.Entry) []MessageRow {
	var rows []MessageRow
	for _, e := range slices.Backward(entries) {
		if len(rows) == mostMessages {
			break
		}
		at, _ := time.Parse(time.RFC3339, e.At)
		rows = append(rows, MessageRow{e.ID, string(e.Channel), e.To, e.Subject, e.Text, e.Code, e.Link, at.Unix()})
	}
	return rows
}

// systemRows lists the clients that may act, by name of the identifier.
func (s *Stand) systemRows() []SystemRow {
	var rows []SystemRow
	for _, c := range s.Grant.Clients() {
		if c.Disabled {
			continue
		}
		row := SystemRow{ID: c.ID, Name: c.Shown(), RedirectURIs: c.RedirectURIs, Scopes: strings.Join(c.Scopes, " ")}
		if slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return s.Portal != "" && strings.HasPrefix(uri, s.Portal+"/") }) {
			row.StartURL = s.Portal + "/"
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b SystemRow) int { return strings.Compare(a.ID, b.ID) })
	return rows
}

func (s *Stand) addresses() []Address {
	return []Address{
		{AddressIssuer, s.Issuer}, {AddressDiscovery, s.Issuer + "/.well-known/openid-configuration"}, {AddressPortal, s.Portal + "/"},
		{AddressOutbox, s.Issuer + "/dev/outbox"}, {AddressCitizens, s.Issuer + "/dev/citizens"},
	}
}

func (s *Stand) commands() []string {
	return []string{
		"curl '" + s.Issuer + "/dev/outbox?to=%2B79000000009&wait=10s'",
		"curl -d '{\"tier\": \"confirmed\", \"second_factor\": \"totp\"}' " + s.Issuer + "/dev/citizens",
	}
}

// showRequests shows what was refused, or the one refusal of ?reference=.
func (s *Stand) showRequests(w http.ResponseWriter, r *http.Request, now time.Time) error {
	p := RequestsPage{Frame: s.Site.Frame(r, "", now.Unix()), Reference: strings.TrimSpace(r.URL.Query().Get("reference"))}
	if len(p.Reference) > 40 {
		p.Reference = ""
	}
	for _, x := range s.log.find(p.Reference) {
		p.Requests = append(p.Requests, RequestRow{At: x.at, Endpoint: x.Endpoint, Client: x.ClientID, Parameter: x.Reason, Came: x.Came,
			Expected: x.Expected, Nearest: x.Nearest, Mend: x.Text, Reference: x.Reference})
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.Site.Render(w, http.StatusOK, p)
}
