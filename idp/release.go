package idp

import "slices"

// Release is what leaves for one client: the attributes that its grant opens, and nothing else. A face only spells it.
// Absent values are empty.
type Release struct {
	Attributes  []Attribute // what was opened, whether there is a value or not
	Person      Person      // only the opened members are filled
	SNILS       SNILS
	INN         INN
	Document    *Document
	Phone       Phone
	PhoneProved bool
	Email       Email
	EmailProved bool
	UpdatedAt   int64
}

// Opened tells whether an attribute may leave.
func (r Release) Opened(a Attribute) bool { return slices.Contains(r.Attributes, a) }

// ReleaseOf decides, once for both faces, which attributes of an account leave under the allowed attributes. A contact leaves only
// when the person has proved it: portals find people by it.
func ReleaseOf(a Account, documents []Document, allowed []Attribute) Release {
	r := Release{Attributes: allowed, UpdatedAt: a.UpdatedAt}
	for _, attr := range allowed {
		switch attr {
		case AttrName:
			r.Person.LastName, r.Person.FirstName, r.Person.MiddleName = a.Person.LastName, a.Person.FirstName, a.Person.MiddleName
		case AttrBirthDate:
			r.Person.BirthDate = a.Person.BirthDate
		case AttrGender:
			r.Person.Gender = a.Person.Gender
		case AttrBirthPlace:
			r.Person.BirthPlace = a.Person.BirthPlace
		case AttrCitizenship:
			r.Person.Citizenship = a.Person.Citizenship
		case AttrSNILS:
			r.SNILS = a.SNILS
		case AttrINN:
			r.INN = a.INN
		case AttrDocument:
			r.Document = identityDocument(documents)
		case AttrPhone:
			if r.PhoneProved = a.PhoneVerifiedAt > 0; r.PhoneProved {
				r.Phone = a.Phone
			}
		case AttrEmail:
			if r.EmailProved = a.EmailVerifiedAt > 0; r.EmailProved {
				r.Email = a.Email
			}
		}
	}
	return r
}

func identityDocument(documents []Document) *Document {
	for _, kind := range []DocumentKind{RFPassport, ForeignDocument} {
		for i, d := range documents {
			if d.Kind == kind {
				return &documents[i]
			}
		}
	}
	return nil
}
