package relyingparty

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The longest texts a person may send, in characters.
const (
	maxSubject = 120
	maxText    = 4000
)

// formPageBody is the struct of form.html.
type formPageBody struct {
	What, Path, Name, Passport, Once     string
	NeedsPassport                        bool
	Agencies                             []choice
	Subject, Text                        string
	AgencyError, SubjectError, TextError *fieldError
}

type choice struct {
	ID, Name string
	Chosen   bool
}

// appealForm is what a person typed.
type appealForm struct {
	once, agency, subject, text string
	problems                    []fieldError
}

func readAppealForm(r *http.Request) appealForm {
	return appealForm{once: r.PostForm.Get("form"), agency: r.PostForm.Get("agency"),
		subject: strings.Join(strings.Fields(typed(r, "subject")), " "), text: typed(r, "text")}
}

// typed is the text of a field: valid UTF-8 without control characters but line ends, which are one character.
func typed(r *http.Request, field string) string {
	text := strings.ReplaceAll(strings.ToValidUTF8(r.PostForm.Get(field), ""), "\r\n", "\n")
	text = strings.Map(func(c rune) rune {
		if c == '\n' || c == '\t' || c >= ' ' && c != 0x7f {
			return c
		}
		return -1
	}, text)
	return strings.TrimSpace(text)
}

// check lists what to mend, one sentence a field, in the order of the form.
func (f appealForm) check(l language) []fieldError {
	var list []fieldError
	if f.agencyName() == "" {
		list = append(list, fieldError{"agency", l.text("form.agency-error")})
	}
	switch {
	case f.subject == "":
		list = append(list, fieldError{"subject", l.text("form.subject-empty")})
	case utf8.RuneCountInString(f.subject) > maxSubject:
		list = append(list, fieldError{"subject", l.text("form.subject-long")})
	}
	switch {
	case f.text == "":
		list = append(list, fieldError{"text", l.text("form.text-empty")})
	case utf8.RuneCountInString(f.text) > maxText:
		list = append(list, fieldError{"text", l.text("form.text-long")})
	}
	return list
}

func (f appealForm) agencyName() string {
	for _, agency := range agencies {
		if agency.ID == f.agency {
			return agency.Name
		}
	}
	return ""
}

func (s *site) formPage(kind appealKind) http.HandlerFunc {
	return s.signedIn(func(w http.ResponseWriter, r *http.Request, session *Session) {
		s.showForm(w, r, kind, session, appealForm{once: secretText()})
	})
}

// showForm shows the form with what was typed; problems give the answer status 422.
func (s *site) showForm(w http.ResponseWriter, r *http.Request, kind appealKind, session *Session, f appealForm) {
	l := s.language(r)
	v := view{name: "form", step: "portal-" + kind.Name, heading: l.text("service." + kind.Name), errors: f.problems}
	page := formPageBody{What: l.text("service." + kind.Name + "-what"), Path: kind.Path, Name: fullName(session, l), Once: f.once,
		Subject: f.subject, Text: f.text, AgencyError: v.of("agency"), SubjectError: v.of("subject"), TextError: v.of("text")}
	if kind.personal() {
		page.Passport = passportOf(session)
		page.NeedsPassport = needsPassport(session)
		if page.Passport == "" {
			page.Passport = l.text("form.no-passport")
		}
	}
	for _, agency := range agencies {
		page.Agencies = append(page.Agencies, choice{agency.ID, agency.Name, agency.ID == f.agency})
	}
	v.body = page
	status := http.StatusOK
	if len(f.problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	s.show(w, r, status, v)
}

// needsPassport says whether the passport is still to be asked for. A person who shared their documents and has no
// passport among them may complain without: asking again would bring nothing.
func needsPassport(session *Session) bool {
	return passportOf(session) == "" && !slices.Contains(session.Scopes, passportScope)
}

// submitAppeal files an appeal and shows it.
func (s *site) submitAppeal(kind appealKind) http.HandlerFunc {
	return s.signedIn(func(w http.ResponseWriter, r *http.Request, session *Session) {
		l, f := s.language(r), readAppealForm(r)
		if kind.personal() && needsPassport(session) {
			http.Redirect(w, r, kind.Path, http.StatusSeeOther)
			return
		}
		if f.problems = f.check(l); len(f.problems) > 0 {
			s.showForm(w, r, kind, session, f)
			return
		}
		a := appeal{Owner: session.Claims.Subject, Form: f.once, Kind: kind, Agency: f.agencyName(), Subject: f.subject,
			Text: f.text, Name: fullName(session, russian), Tier: session.Level().Tier}
		if kind.personal() {
			a.Passport = passportOf(session)
		}
		filed, err := s.register.file(a, time.Now())
		if err != nil {
			f.problems = []fieldError{{Text: l.text("form.too-many")}}
			s.showForm(w, r, kind, session, f)
			return
		}
		http.Redirect(w, r, appealPath("/appeals", filed)+"?new", http.StatusSeeOther)
	})
}

func appealPath(under string, a appeal) string { return under + "/" + strconv.Itoa(a.ID) }

// appealsPage is the struct of appeals.html.
type appealsPage struct {
	About   string // a warning above the list, empty on the citizen's page
	Appeals []appealLine
}

type appealLine struct {
	Path, Number, Subject, Kind, Agency, Status, At, DateTime string
	Done                                                      bool
}

func appealLines(l language, under string, list []appeal) []appealLine {
	now := time.Now()
	var lines []appealLine
	for _, a := range list {
		lines = append(lines, appealLine{Path: appealPath(under, a), Number: "№ " + strconv.Itoa(a.ID), Subject: a.Subject,
			Kind: l.text("kind." + a.Kind.Name), Agency: a.Agency, Status: l.text("status." + string(a.Status)),
			At: l.moment(a.Filed, now), DateTime: a.Filed.Format(time.RFC3339), Done: a.Status == answered})
	}
	return lines
}

func (s *site) showAppeals(w http.ResponseWriter, r *http.Request, session *Session) {
	l := s.language(r)
	own := s.register.all(func(a appeal) bool { return a.Owner == session.Claims.Subject })
	s.show(w, r, http.StatusOK, view{name: "appeals", step: "portal-appeals", heading: l.text("appeals.title"),
		body: appealsPage{Appeals: appealLines(l, "/appeals", own)}})
}

// appealPageBody is the struct of appeal.html.
type appealPageBody struct {
	New, Done, Hidden                  bool
	Kind, Agency, Status, Text, Answer string
	ACR, Path, Rated                   string
	History                            []event
	Marks                              []mark
	RatingError                        *fieldError
}

type event struct{ Status, At, DateTime string }

type mark struct {
	Value  int
	Chosen bool
}

// own finds an appeal of the visitor. Another person's is not there.
func (s *site) own(r *http.Request, session *Session) (appeal, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return appeal{}, errNoAppeal
	}
	a, err := s.register.get(id)
	if err == nil && a.Owner != session.Claims.Subject {
		return appeal{}, errNoAppeal
	}
	return a, err
}

func (s *site) showAppeal(w http.ResponseWriter, r *http.Request, session *Session) {
	a, err := s.own(r, session)
	if err != nil {
		s.showNotFound(w, r)
		return
	}
	s.appealPage(w, r, session, a, nil)
}

// appealPage shows one appeal. The answer to a complaint is hidden from a session that is not confirmed.
func (s *site) appealPage(w http.ResponseWriter, r *http.Request, session *Session, a appeal, problems []fieldError) {
	l := s.language(r)
	v := view{name: "appeal", step: "portal-appeal-page", heading: l.text("appeal.title", a.ID, a.Subject), errors: problems}
	page := appealPageBody{New: r.URL.Query().Has("new"), Done: a.Status == answered, Kind: l.text("kind." + a.Kind.Name),
		Agency: a.Agency, Status: l.text("status." + string(a.Status)), Text: a.Text, ACR: ACR{Tier: a.Kind.Tier}.String(),
		Path: appealPath("/appeals", a), History: history(l, a), RatingError: v.of("rating")}
	if a.hidesAnswer(session) {
		page.Hidden = true
	} else {
		page.Answer = a.Answer
	}
	if a.Rating > 0 {
		page.Rated = l.text("appeal.rated", a.Rating)
	}
	for value := 1; value <= 5; value++ {
		page.Marks = append(page.Marks, mark{value, value == a.Rating})
	}
	v.body = page
	status := http.StatusOK
	if len(problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	s.show(w, r, status, v)
}

// hidesAnswer says whether this session may not read the answer.
func (a appeal) hidesAnswer(session *Session) bool {
	return a.Status == answered && a.Kind.personal() && !session.Level().Satisfies(ACR{Tier: a.Kind.Tier})
}

func history(l language, a appeal) []event {
	now := time.Now()
	var list []event
	for _, step := range []struct {
		status appealStatus
		at     time.Time
	}{{received, a.Filed}, {inWork, a.Taken}, {answered, a.Answered}} {
		if !step.at.IsZero() {
			list = append(list, event{l.text("status." + string(step.status)), l.moment(step.at, now), step.at.Format(time.RFC3339)})
		}
	}
	return list
}

// submitRating keeps the mark of an answer.
func (s *site) submitRating(w http.ResponseWriter, r *http.Request, session *Session) {
	a, err := s.own(r, session)
	if err != nil {
		s.showNotFound(w, r)
		return
	}
	rating, err := strconv.Atoi(r.PostForm.Get("rating"))
	if (err != nil || rating < 1 || rating > 5) && a.Status == answered {
		problem := fieldError{"rating", s.language(r).text("appeal.rating-error")}
		s.appealPage(w, r, session, a, []fieldError{problem})
		return
	}
	if !a.hidesAnswer(session) {
		if _, err := s.register.change(a.ID, func(a *appeal) { a.rate(rating) }); err != nil {
			s.showNotFound(w, r)
			return
		}
	}
	http.Redirect(w, r, appealPath("/appeals", a), http.StatusSeeOther)
}
