package relyingparty

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// appealKind is one of the three services of the portal.
type appealKind struct {
	Name string // question, appeal or complaint: the key of its texts
	Path string // of its form
	Tier Tier   // that may use it
}

var appealKinds = []appealKind{
	{"question", "/ask", Simplified},
	{"appeal", "/appeal", Standard},
	{"complaint", "/complaint", Confirmed},
}

// personal says whether an appeal of this kind carries the passport and its answer may.
func (k appealKind) personal() bool { return k.Tier == Confirmed }

// agencies are made up; an appeal keeps the name.
var agencies = []struct{ ID, Name string }{
	{"city", "Администрация Примерска"},
	{"clinic", "Примерская поликлиника № 1"},
	{"housing", "Жилищная инспекция Примерской области"},
}

// appealStatus says who acts next.
type appealStatus string

const (
	received appealStatus = "received" // the agency: take it
	inWork   appealStatus = "in-work"  // the agency: answer
	answered appealStatus = "answered" // the citizen may rate; nobody has to
)

// appeal is one letter of a citizen with its answer.
type appeal struct {
	ID       int
	Owner    string // sub
	Form     string // the form it was typed in: sent twice it is one appeal
	Kind     appealKind
	Agency   string
	Subject  string
	Text     string
	Name     string // of the citizen, as the provider gave it
	Tier     Tier   // at which it was filed
	Passport string // masked

	Status   appealStatus
	Filed    time.Time
	Taken    time.Time
	Answered time.Time
	Answer   string
	Rating   int // 1 to 5; 0 until rated
}

// The bounds of what the sample keeps in memory.
const (
	maxAppeals      = 1000 // the oldest gives way
	maxAppealsOwner = 50
)

var (
	errTooManyAppeals = errors.New("relyingparty: too many appeals of one person")
	errNoAppeal       = errors.New("relyingparty: no such appeal")
)

// register keeps the appeals in memory, in the order in which they were filed.
type register struct {
	mu   sync.Mutex // guards what follows
	last int
	list []appeal
}

// file numbers and keeps an appeal. The same form sent twice gives the appeal of the first time.
func (g *register) file(a appeal, now time.Time) (appeal, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var own int
	for _, old := range g.list {
		if old.Owner != a.Owner {
			continue
		}
		if a.Form != "" && old.Form == a.Form {
			return old, nil
		}
		own++
	}
	if own >= maxAppealsOwner {
		return appeal{}, errTooManyAppeals
	}
	if len(g.list) >= maxAppeals {
		g.list = slices.Delete(g.list, 0, 1)
	}
	g.last++
	a.ID, a.Status, a.Filed = g.last, received, now
	g.list = append(g.list, a)
	return a, nil
}

// all returns the appeals that match, newest first.
func (g *register) all(match func(appeal) bool) []appeal {
	g.mu.Lock()
	defer g.mu.Unlock()
	var found []appeal
	for _, a := range slices.Backward(g.list) {
		if match(a) {
			found = append(found, a)
		}
	}
	return found
}

// get returns one appeal.
func (g *register) get(id int) (appeal, error) {
	return g.change(id, func(*appeal) {})
}

// change lets act alter one appeal and returns what it became. act guards its own condition: two may press at once.
func (g *register) change(id int, act func(*appeal)) (appeal, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.list {
		if g.list[i].ID == id {
			act(&g.list[i])
			return g.list[i], nil
		}
	}
	return appeal{}, errNoAppeal
}

// take moves a received appeal into work.
func (a *appeal) take(now time.Time) {
	if a.Status == received {
		a.Status, a.Taken = inWork, now
	}
}

// answer gives the answer of the agency, once.
func (a *appeal) answer(text string, now time.Time) {
	if a.Status == inWork {
		a.Status, a.Answer, a.Answered = answered, text, now
	}
}

// rate keeps the citizen's mark of an answer, which may be changed.
func (a *appeal) rate(mark int) {
	if a.Status == answered {
		a.Rating = mark
	}
}
