package stand

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"propusk/idp"
	"propusk/idp/account"
	"propusk/idp/authn"
)

// members are what a script says of a new citizen: the members of Citizen by name. One that is absent is made up by the stand;
// an empty phone, email or snils means that the citizen has none.
type members map[string]string

var memberNames = []string{"name", "phone", "email", "snils", "password", "status", "tier", "tier_method", "second_factor", "totp_secret", "note"}

// readMembers reads a JSON object whose members are strings; null is as absent, an empty body as {}.
// Errors: Invalid citizen.json, citizen.member, citizen.text.
func readMembers(body []byte) (members, error) {
	m := members{}
	if len(bytes.TrimSpace(body)) == 0 {
		return m, nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil || raw == nil {
		return nil, idp.Wrong("", "citizen.json")
	}
	var p idp.Problems
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		if !slices.Contains(memberNames, name) {
			p = append(p, unknownMember(name))
			continue
		}
		var text *string
		if err := json.Unmarshal(raw[name], &text); err != nil {
			p = append(p, idp.Wrong(name, "citizen.text"))
		} else if text != nil {
			m[name] = *text
		}
	}
	return m, p.OrNil()
}

// formMembers reads what a browser sends. What a person left empty is made up.
func formMembers(form url.Values) (members, error) {
	m := members{}
	var p idp.Problems
	for _, name := range slices.Sorted(maps.Keys(form)) {
		value := form.Get(name)
		switch {
		case !slices.Contains(memberNames, name):
			p = append(p, unknownMember(name))
		case strings.TrimSpace(value) != "":
			m[name] = value
		}
	}
	return m, p.OrNil()
}

func unknownMember(name string) *idp.Error {
	e := idp.Wrong(name, "citizen.member")
	e.Args = map[string]string{"known": strings.Join(memberNames, ", ")}
	return e
}

// none tells whether the member was sent and is empty; absent whether the stand has to make it up.
func (m members) none(name string) bool   { v, ok := m[name]; return ok && strings.TrimSpace(v) == "" }
func (m members) absent(name string) bool { _, ok := m[name]; return !ok }

// reader reads members one by one and remembers what was wrong.
type reader struct {
	members
	problems idp.Problems
}

// wrong remembers the problems of err as those of a member.
func (r *reader) wrong(name string, err error) {
	for _, e := range idp.ProblemsOf(err) {
		own := *e
		own.Field = name
		r.problems = append(r.problems, &own)
	}
}

// choice reads a member with few values, the first of which stands for an absent or empty one.
func choice[T ~string](r *reader, name, code string, values ...T) T {
	text := strings.TrimSpace(r.members[name])
	if text == "" {
		return values[0]
	}
	if !slices.Contains(values, T(text)) {
		r.problems = append(r.problems, idp.Wrong(name, code))
		return values[0]
	}
	return T(text)
}

// draft reads all members and makes up what lacks. Errors: Problems that name the members.
func (m members) draft() (draft, error) {
	r := &reader{members: m}
	d := draft{language: idp.Russian}
	d.status = choice(r, "status", "citizen.status", idp.Active, idp.Locked)
	d.tier = choice(r, "tier", "tier.unknown", idp.Simplified, idp.Standard, idp.Confirmed)
	r.readMethod(&d)
	r.readPerson(&d)
	r.readContacts(&d)
	r.readSNILS(&d)
	r.readFactor(&d)
	if d.note = strings.TrimSpace(m["note"]); len(d.note) > longestNote {
		r.problems = append(r.problems, idp.Wrong("note", "citizen.note"))
	}
	r.readPassword(&d)
	return d, r.problems.OrNil()
}

const longestNote = 1000 // bytes

func (r *reader) readMethod(d *draft) {
	method := choice(r, "tier_method", "tier_method.unknown", "", idp.ByCentre, idp.ByLetter, idp.ByBank, idp.BySignature)
	switch {
	case d.tier == idp.Confirmed && method == "":
		method = idp.ByCentre
	case d.tier != idp.Confirmed && method != "":
		r.problems = append(r.problems, idp.Wrong("tier_method", "citizen.tier_method"))
	}
	d.method = method
}

// readPerson reads «Фамилия Имя Отчество»: the first word is the surname, the second the first name, the rest the patronymic. A
// double surname is joined by a hyphen. From the standard tier on the rest of a person is made up.
func (r *reader) readPerson(d *draft) {
	d.person = madePerson()
	if words := strings.Fields(r.members["name"]); len(words) > 0 {
		if len(words) == 1 {
			r.problems = append(r.problems, idp.Wrong("name", "citizen.name"))
			return
		}
		d.person.Gender = ""
		for _, part := range []struct {
			to   *string
			text string
		}{{&d.person.LastName, words[0]}, {&d.person.FirstName, words[1]}, {&d.person.MiddleName, strings.Join(words[2:], " ")}} {
			text, err := account.ReadName("name", part.text, false)
			*part.to = text
			if err != nil {
				r.wrong("name", err)
				break
			}
		}
	}
	if d.tier == idp.Simplified { // of whom only the name is known
		d.person = idp.Person{LastName: d.person.LastName, FirstName: d.person.FirstName, MiddleName: d.person.MiddleName}
		return
	}
	d.inn = madeINN()
	d.document = madePassport()
}

func (r *reader) readContacts(d *draft) {
	var err error
	switch text := r.members["phone"]; {
	case r.absent("phone"):
		d.phone = madePhone()
	case !r.none("phone"):
		if d.phone, err = idp.ParsePhone(text); err != nil {
			r.wrong("phone", err)
		}
	}
	switch text := r.members["email"]; {
	case r.absent("email"):
		d.email = madeEmail()
	case !r.none("email"):
		if d.email, err = idp.ParseEmail(text); err != nil {
			r.wrong("email", err)
		}
	}
	if r.none("phone") && r.none("email") {
		r.problems = append(r.problems, idp.Wrong("phone", "contact.empty"))
	}
}

func (r *reader) readSNILS(d *draft) {
	var err error
	switch {
	case r.absent("snils") && d.tier != idp.Simplified:
		d.snils = madeSNILS()
	case !r.absent("snils") && !r.none("snils"):
		if d.snils, err = idp.ParseSNILS(r.members["snils"]); err != nil {
			r.wrong("snils", err)
		}
	}
}

// readFactor reads the second factor and its secret. A secret without the factor can be used where a portal asks for two.
func (r *reader) readFactor(d *draft) {
	d.factor = choice(r, "second_factor", "citizen.second_factor", idp.NoFactor, idp.SMSFactor, idp.TOTPFactor)
	if d.factor == idp.SMSFactor && r.none("phone") {
		r.problems = append(r.problems, idp.Wrong("second_factor", "citizen.sms_phone"))
	}
	switch secret := r.members["totp_secret"]; {
	case strings.TrimSpace(secret) != "":
		var ok bool
		if d.totp, ok = readSecret(secret); !ok {
			r.problems = append(r.problems, idp.Wrong("totp_secret", "citizen.totp_secret"))
		}
	case d.factor == idp.TOTPFactor:
		d.totp = madeSecret()
	}
}

var base32Plain = base32.StdEncoding.WithPadding(base32.NoPadding)

// readSecret reads base32 as apps show it, in groups and in any case: 10 to 64 bytes.
func readSecret(text string) (string, bool) {
	text = strings.TrimRight(strings.ToUpper(strings.Join(strings.Fields(text), "")), "=")
	b, err := base32Plain.DecodeString(text)
	return text, err == nil && len(b) >= 10 && len(b) <= 64
}

// readPassword holds a password to the state rule, as the pages do.
func (r *reader) readPassword(d *draft) {
	own := authn.Own{Names: []string{d.person.LastName, d.person.FirstName, d.person.MiddleName}, Phones: []string{string(d.phone)},
		Emails: []string{string(d.email)}, BirthDate: d.person.BirthDate, Numbers: []string{string(d.snils), string(d.inn)}}
	d.password = r.members["password"]
	if d.password != "" {
		r.wrong("password", authn.PolicyState.Check(d.password, d.password, own).OrNil())
		return
	}
	for d.password = madePassword(); len(authn.PolicyState.Check(d.password, d.password, own)) > 0; {
		d.password = madePassword()
	}
}

// String keeps passwords out of messages that print the members.
func (m members) String() string { return fmt.Sprintf("%d members", len(m)) }
