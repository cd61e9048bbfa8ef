package stand

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"propusk/idp"
	"propusk/store"
)

// mostRedraws bounds how often made-up values are drawn anew because somebody has them already.
const mostRedraws = 20

// create makes a citizen and remembers the password. Errors: Problems that name the members; Conflict citizen.taken for a phone,
// an email or a snils of another account; Unavailable.
func (s *Stand) create(ctx context.Context, m members, now time.Time) (Citizen, error) {
	for try := 1; ; try++ {
		c, err := s.tryCreate(ctx, m, now)
		var e *idp.Error
		if errors.Is(err, idp.Conflict) && errors.As(err, &e) && m.absent(e.Field) && try < mostRedraws {
			continue // the stand drew it, not the script
		}
		return c, err
	}
}

func (s *Stand) tryCreate(ctx context.Context, m members, now time.Time) (Citizen, error) {
	d, err := m.draft()
	if err != nil {
		return Citizen{}, err
	}
	hash, err := s.Authn.Pool.Hash(ctx, d.password)
	if err != nil {
		return Citizen{}, err
	}
	a := s.account(d, idp.NewOID(), hash, now.Unix())
	if err := s.Store.InTx(ctx, func(tx *store.Tx) error { return insert(ctx, tx, a, d, idp.NewID(now)) }); err != nil {
		return Citizen{}, err
	}
	k := known{OID: a.OID, Password: d.password, TOTPSecret: d.totp, Note: d.note, NoteRU: d.note}
	s.book.add(k, s.Data)
	return record(a, k), nil
}

const mostBody = 64 << 10

// postCitizen creates a citizen from JSON and answers 201 with the record, or from the form of the page and answers 303 to it.
// JSON is told by its first character: curl -d sends it under the type of a form.
func (s *Stand) postCitizen(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if err != nil {
		s.refuse(w, r, idp.Wrong("", "citizen.json").Because(err))
		return
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" && len(body) > 0 && !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		s.page(func(w http.ResponseWriter, r *http.Request, now time.Time) error {
			return s.postForm(w, r, string(body), now)
		})(w, r)
		return
	}
	m, err := readMembers(body)
	var c Citizen
	if err == nil {
		c, err = s.create(r.Context(), m, time.Now())
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	answer(w, http.StatusCreated, c)
}

func (s *Stand) postForm(w http.ResponseWriter, r *http.Request, body string, now time.Time) error {
	form, err := url.ParseQuery(body)
	if err != nil {
		return idp.Wrong("", "citizen.json").Because(err)
	}
	m, err := formMembers(form)
	if err == nil {
		_, err = s.create(r.Context(), m, now)
	}
	if errors.Is(err, idp.Invalid) || errors.Is(err, idp.Conflict) {
		return s.renderDev(w, r, http.StatusUnprocessableEntity, m, err, now)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/dev/", http.StatusSeeOther)
	return nil
}

// listCitizens answers with every citizen whose password the stand knows.
func (s *Stand) listCitizens(_ http.ResponseWriter, r *http.Request) (any, error) {
	return s.Citizens(r.Context())
}
