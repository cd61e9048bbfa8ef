package stand

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"propusk/idp"
	"propusk/store"
)

//go:embed citizens.json
var citizensFile []byte

// fixed is a citizen of citizens.json.
type fixed struct {
	OID          idp.OID        `json:"oid"`
	LastName     string         `json:"last_name"`
	FirstName    string         `json:"first_name"`
	MiddleName   string         `json:"middle_name"`
	Gender       string         `json:"gender"`
	BirthDate    string         `json:"birth_date"`
	BirthPlace   string         `json:"birth_place"`
	Citizenship  string         `json:"citizenship"`
	Phone        idp.Phone      `json:"phone"`
	Email        idp.Email      `json:"email"`
	SNILS        string         `json:"snils"`
	INN          idp.INN        `json:"inn"`
	Document     *fixedDocument `json:"document"`
	Password     string         `json:"password"`
	Status       idp.Status     `json:"status"` // empty: active
	Tier         idp.Tier       `json:"tier"`
	TierMethod   idp.TierMethod `json:"tier_method"`
	SecondFactor idp.Factor     `json:"second_factor"`
	TOTPSecret   string         `json:"totp_secret"`
	Language     idp.Language   `json:"language"` // empty: Russian
	Recovered    bool           `json:"recovered"`
	Note         struct {
		RU string `json:"ru"`
		EN string `json:"en"`
	} `json:"note"`
}

type fixedDocument struct {
	Kind      idp.DocumentKind `json:"kind"`
	Series    string           `json:"series"`
	Number    string           `json:"number"`
	IssuedOn  string           `json:"issued_on"`
	IssuedBy  string           `json:"issued_by"`
	IssueID   string           `json:"issue_id"`
	ExpiresOn string           `json:"expires_on"`
}

// readFixed reads the file once; a test holds that its values are valid.
var readFixed = sync.OnceValues(func() ([]fixed, error) {
	var all []fixed
	if err := json.Unmarshal(citizensFile, &all); err != nil {
		return nil, fmt.Errorf("citizens.json: %w", err)
	}
	return all, nil
})

func (f fixed) draft() draft {
	d := draft{
		person: idp.Person{LastName: f.LastName, FirstName: f.FirstName, MiddleName: f.MiddleName, BirthDate: f.BirthDate, BirthPlace: f.BirthPlace,
			Gender: f.Gender, Citizenship: f.Citizenship},
		phone: f.Phone, email: f.Email, inn: f.INN, password: f.Password, status: f.Status, tier: f.Tier, method: f.TierMethod,
		factor: f.SecondFactor, totp: f.TOTPSecret, language: f.Language, note: f.Note.EN,
	}
	if f.SNILS != "" {
		d.snils, _ = idp.ParseSNILS(f.SNILS)
	}
	if d.status == "" {
		d.status = idp.Active
	}
	if d.language == "" {
		d.language = idp.Russian
	}
	if p := f.Document; p != nil {
		d.document = &idp.Document{Kind: p.Kind, Series: p.Series, Number: p.Number, IssuedOn: p.IssuedOn, IssuedBy: p.IssuedBy, IssueID: p.IssueID,
			ExpiresOn: p.ExpiresOn, Verified: true}
	}
	return d
}

// Ages of the fixed citizens when the stand is made, in seconds. The recovered one was registered the moment it was recovered,
// because the password counts as unchanged while it is as old as the account.
const (
	seedAge      = 30 * 86400
	recoveredAge = 3600
)

// Seed makes the fixed citizens that the database lacks, and reads the passwords of those created before. Calling it again
// changes nothing. A citizen whose contact leads to somebody else by now is left out with a warning.
func (s *Stand) Seed(ctx context.Context, now time.Time) error {
	all, err := readFixed()
	if err != nil {
		return err
	}
	entries := make([]known, len(all))
	var missing []fixed
	for i, f := range all {
		entries[i] = known{OID: f.OID, Password: f.Password, TOTPSecret: f.TOTPSecret, Note: f.Note.EN, NoteRU: f.Note.RU}
		if _, err := s.Store.Account(ctx, f.OID); errors.Is(err, idp.NotFound) {
			missing = append(missing, f)
		} else if err != nil {
			return fmt.Errorf("look for a test citizen: %w", err)
		}
	}
	if err := s.book.begin(entries, s.Data); err != nil {
		return fmt.Errorf("read created citizens: %w", err)
	}
	hashes, err := s.hashes(ctx, missing)
	if err != nil {
		return fmt.Errorf("make test citizens: %w", err)
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		for i, f := range missing {
			if err := s.seed(ctx, tx, f, hashes[i], now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("make test citizens: %w", err)
	}
	return nil
}

func (s *Stand) seed(ctx context.Context, tx *store.Tx, f fixed, hash string, now time.Time) error {
	d := f.draft()
	for _, id := range d.identifiers() {
		_, err := tx.Holder(ctx, id)
		if err == nil {
			slog.Warn("a test citizen is left out: an account of the database has the same login", "citizen", f.OID.String(), "kind", string(id.Kind))
			return nil
		}
		if !errors.Is(err, idp.NotFound) {
			return err
		}
	}
	age := int64(seedAge)
	if f.Recovered {
		age = recoveredAge
	}
	a := s.account(d, f.OID, hash, now.Unix()-age)
	if f.Recovered {
		a.RecoveredAt = a.CreatedAt
	}
	return insert(ctx, tx, a, d, idp.NewID(time.Unix(a.CreatedAt, 0)))
}

// hashes hashes the passwords, on all cores.
func (s *Stand) hashes(ctx context.Context, all []fixed) ([]string, error) {
	out, errs := make([]string, len(all)), make([]error, len(all))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, f := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out[i], errs[i] = s.Authn.Pool.Hash(ctx, f.Password)
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}
