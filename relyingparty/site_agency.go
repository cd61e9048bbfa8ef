package relyingparty

import (
	"cmp"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"
)

// The pages of the agency stand in for its own system: whoever shows the sample answers here as an employee would. They
// are open to everybody, say so, and can be left out (SiteConfig.NoAgency).

func (s *site) showAgency(w http.ResponseWriter, r *http.Request) {
	l := s.language(r)
	all := s.register.all(func(appeal) bool { return true })
	s.show(w, r, http.StatusOK, view{name: "appeals", step: "portal-agency", heading: l.text("agency.title"),
		body: appealsPage{About: l.text("agency.sample"), Appeals: appealLines(l, "/agency", all)}})
}

// agencyPage is the struct of agency.html.
type agencyPage struct {
	Kind, Agency, Status, Name, Level, Passport string
	Text, Answer, Draft, Rated, Path            string
	Done, CanTake, CanAnswer                    bool
	AnswerError                                 *fieldError
}

// find returns the appeal of the path, whoever owns it.
func (s *site) find(r *http.Request) (appeal, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return appeal{}, errNoAppeal
	}
	return s.register.get(id)
}

func (s *site) showAgencyAppeal(w http.ResponseWriter, r *http.Request) {
	a, err := s.find(r)
	if err != nil {
		s.showNotFound(w, r)
		return
	}
	s.agencyAppeal(w, r, a, "", nil)
}

func (s *site) agencyAppeal(w http.ResponseWriter, r *http.Request, a appeal, draft string, problems []fieldError) {
	l := s.language(r)
	v := view{name: "agency", step: "portal-agency-appeal", heading: l.text("agency.appeal-title", a.ID), errors: problems}
	page := agencyPage{Kind: l.text("kind." + a.Kind.Name), Agency: a.Agency, Status: l.text("status." + string(a.Status)),
		Name: a.Name, Level: l.tier(a.Tier), Passport: a.Passport, Text: a.Text, Answer: a.Answer, Draft: draft,
		Path: appealPath("/agency", a), Done: a.Status == answered, CanTake: a.Status == received,
		CanAnswer: a.Status == inWork, AnswerError: v.of("answer")}
	if a.Kind.personal() {
		page.Passport = cmp.Or(page.Passport, l.text("form.no-passport"))
	}
	if a.Rating > 0 {
		page.Rated = l.text("agency.rated", a.Rating)
	}
	v.body = page
	status := http.StatusOK
	if len(problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	s.show(w, r, status, v)
}

// submitTake takes an appeal into work. Pressed twice it changes nothing.
func (s *site) submitTake(w http.ResponseWriter, r *http.Request) {
	a, err := s.find(r)
	if err == nil {
		a, err = s.register.change(a.ID, func(a *appeal) { a.take(time.Now()) })
	}
	if err != nil {
		s.showNotFound(w, r)
		return
	}
	http.Redirect(w, r, appealPath("/agency", a), http.StatusSeeOther)
}

// submitAnswer answers an appeal that is in work.
func (s *site) submitAnswer(w http.ResponseWriter, r *http.Request) {
	a, err := s.find(r)
	if err != nil {
		s.showNotFound(w, r)
		return
	}
	l, text := s.language(r), typed(r, "answer")
	var problem string
	switch {
	case text == "":
		problem = l.text("agency.empty")
	case utf8.RuneCountInString(text) > maxText:
		problem = l.text("agency.long")
	}
	if problem != "" && a.Status == inWork {
		s.agencyAppeal(w, r, a, text, []fieldError{{"answer", problem}})
		return
	}
	if _, err := s.register.change(a.ID, func(a *appeal) { a.answer(text, time.Now()) }); err != nil {
		s.showNotFound(w, r)
		return
	}
	http.Redirect(w, r, appealPath("/agency", a), http.StatusSeeOther)
}
