package stand

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"propusk/idp"
	"propusk/store"
)

// Citizen is a record of GET /dev/citizens (CONTRACT.md section 6). Absent values are empty.
type Citizen struct {
	Name         string         `json:"name"`  // surname, first name, patronymic
	Phone        idp.Phone      `json:"phone"` // E.164
	Email        idp.Email      `json:"email"`
	SNILS        string         `json:"snils"`    // printed form, 000-100-002 08, which signs in too
	Password     string         `json:"password"` // empty once it was changed
	Status       idp.Status     `json:"status"`
	Tier         idp.Tier       `json:"tier"`
	TierMethod   idp.TierMethod `json:"tier_method"`
	SecondFactor idp.Factor     `json:"second_factor"`
	TOTPSecret   string         `json:"totp_secret"` // base32 (RFC 6238: SHA-1, 6 digits, 30 seconds)
	Note         string         `json:"note"`        // what the citizen is good for, in English

	noteRU string
}

// LogValue masks the record.
func (c Citizen) LogValue() slog.Value { return slog.StringValue("citizen") }

// Citizens lists the citizens whose passwords the stand knows: the fixed ones, then the created ones, oldest first. All but the
// secrets and the note is read from the database; closed accounts are left out.
func (s *Stand) Citizens(ctx context.Context) ([]Citizen, error) {
	return s.records(ctx, s.book.all())
}

func (s *Stand) records(ctx context.Context, entries []known) ([]Citizen, error) {
	all := []Citizen{}
	for _, k := range entries {
		a, err := s.Store.Account(ctx, k.OID)
		if errors.Is(err, idp.NotFound) {
			continue // the file of passwords outlived its database
		}
		if err != nil {
			return nil, err
		}
		if a.Status != idp.Closed {
			all = append(all, record(a, k))
		}
	}
	return all, nil
}

func record(a idp.Account, k known) Citizen {
	c := Citizen{Name: fullName(a.Person), Phone: a.Phone, Email: a.Email, Password: k.Password, Status: a.Status, Tier: a.Tier,
		TierMethod: a.TierMethod, SecondFactor: a.DefaultFactor(), Note: k.Note, noteRU: k.NoteRU}
	if a.SNILS != "" {
		c.SNILS = a.SNILS.Spaced()
	}
	if len(a.TOTPSecret) > 0 {
		c.TOTPSecret = k.TOTPSecret
	}
	if a.PasswordAt != a.CreatedAt { // draft.account sets both alike
		c.Password = ""
	}
	return c
}

func fullName(p idp.Person) string {
	return strings.Join(strings.Fields(p.LastName+" "+p.FirstName+" "+p.MiddleName), " ")
}

// draft is a citizen before it has an account. Its values are valid.
type draft struct {
	person   idp.Person
	phone    idp.Phone
	email    idp.Email
	snils    idp.SNILS
	inn      idp.INN
	document *idp.Document
	password string
	status   idp.Status
	tier     idp.Tier
	method   idp.TierMethod
	factor   idp.Factor
	totp     string
	language idp.Language
	note     string
}

// account is the row of a draft. Contacts count as proved when the account was made, which is when the password was set.
func (s *Stand) account(d draft, oid idp.OID, hash string, at int64) idp.Account {
	a := idp.Account{OID: oid, Status: d.status, Tier: d.tier, TierAt: at, TierMethod: d.method, Person: d.person, SNILS: d.snils, INN: d.inn,
		Phone: d.phone, Email: d.email, Language: d.language, PasswordHash: hash, PasswordAt: at, SecondFactor: d.factor, CreatedAt: at, UpdatedAt: at}
	if d.phone != "" {
		a.PhoneVerifiedAt = at
	}
	if d.email != "" {
		a.EmailVerifiedAt = at
	}
	if d.totp != "" {
		a.TOTPSecret = s.Authn.SealTOTP(oid, d.totp)
	}
	return a
}

// identifiers are the names by which the citizen signs in.
func (d draft) identifiers() []idp.Identifier {
	var all []idp.Identifier
	if d.phone != "" {
		all = append(all, d.phone.Identifier())
	}
	if d.email != "" {
		all = append(all, d.email.Identifier())
	}
	if d.snils != "" {
		all = append(all, d.snils.Identifier())
	}
	return all
}

// noTerms is the version of the terms of citizens that nobody asked.
const noTerms = "stand"

// insert writes a citizen in the transaction, with the event of a registration. Conflict citizen.taken names the member that
// leads to another account, no member if the number is taken.
func insert(ctx context.Context, tx *store.Tx, a idp.Account, d draft, event idp.ID) error {
	ok, err := tx.AddAccount(ctx, a, noTerms)
	if err != nil {
		return err
	}
	if !ok {
		return &idp.Error{Kind: idp.Conflict, Code: "citizen.taken"}
	}
	for _, id := range d.identifiers() {
		if ok, err = tx.AddIdentifier(ctx, id, a.OID, a.CreatedAt); err != nil {
			return err
		}
		if !ok {
			return &idp.Error{Kind: idp.Conflict, Code: "citizen.taken", Field: string(id.Kind)}
		}
	}
	if d.document != nil {
		if err := tx.AddDocument(ctx, a.OID, *d.document); err != nil {
			return err
		}
	}
	return tx.AddEvent(ctx, idp.Event{OID: a.OID, ID: event, At: a.CreatedAt, What: idp.Registered,
		Details: map[string]string{"by": string(d.identifiers()[0].Kind)}})
}
