package stand

import (
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"propusk/idp/authn"
	"propusk/idp/grant"
	"propusk/idp/notify"
	"propusk/idp/web"
	"propusk/store"
)

// Options are what a Stand is made of.
type Options struct {
	Store  *store.DB
	Authn  *authn.Service
	Grant  *grant.Service
	Site   *web.Site // made with Files among its faces
	Outbox *notify.Outbox
	Issuer string
	Portal string // address of the sample portal
	Data   string // folder of -data, which keeps the passwords of created citizens; empty: memory does
}

// Stand serves the /dev paths. All methods may be called at the same time.
type Stand struct {
	Options
	book book
	log  refusals
}

// New makes the stand. Call Seed before it serves.
func New(o Options) *Stand {
	o.Issuer, o.Portal = strings.TrimSuffix(o.Issuer, "/"), strings.TrimSuffix(o.Portal, "/")
	return &Stand{Options: o}
}

// Routes lists the paths of the stand. Any other method of theirs is 405.
func (s *Stand) Routes(e *echo.Echo) {
	e.Any("/dev", only(methods{http.MethodGet: toDev}))
	e.Any("/dev/", only(methods{http.MethodGet: s.page(s.showDev)}))
	e.Any("/dev/citizens", only(methods{http.MethodGet: s.json(s.listCitizens), http.MethodPost: s.postCitizen}))
	e.Any("/dev/outbox", only(methods{http.MethodGet: s.json(s.listOutbox)}))
	e.Any("/dev/requests", only(methods{http.MethodGet: s.page(s.showRequests)}))
}

// methods are the handlers of one path.
type methods map[string]http.HandlerFunc

// only picks the handler of the method; HEAD is that of GET, and net/http drops the body.
func only(m methods) echo.HandlerFunc {
	if get, ok := m[http.MethodGet]; ok {
		m[http.MethodHead] = get
	}
	var names []string
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	allow := strings.Join(names, ", ")
	return func(c echo.Context) error {
		h, ok := m[c.Request().Method]
		if !ok {
			c.Response().Header().Set("Allow", allow)
			return c.String(http.StatusMethodNotAllowed, "Allowed here: "+allow+"\n")
		}
		h(c.Response(), c.Request())
		return nil
	}
}

func toDev(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/dev/", http.StatusMovedPermanently)
}

// page is a handler of a page for people.
func (s *Stand) page(h func(w http.ResponseWriter, r *http.Request, now time.Time) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		if err := h(w, r, now); err != nil {
			s.Site.Trouble(w, r, err, now)
		}
	}
}

// refusals are the newest refusals of requests, newest last.
type refusals struct {
	mu   sync.Mutex
	kept []refusal
}

// refusal is one of them, with its time.
type refusal struct {
	web.Refused
	at int64
}

const mostRefusals = 500

// Refused keeps a refusal for the integrator's page, and forgets the oldest beyond 500. Faces call it; it never waits.
func (s *Stand) Refused(r web.Refused) {
	at := time.Now().Unix()
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if len(s.log.kept) == mostRefusals {
		s.log.kept = append(s.log.kept[:0], s.log.kept[1:]...)
	}
	s.log.kept = append(s.log.kept, refusal{r, at})
}

// find lists refusals, newest first: all, or those of a reference code however it is typed.
func (l *refusals) find(reference string) []refusal {
	want := plainReference(reference)
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []refusal
	for i := len(l.kept) - 1; i >= 0; i-- {
		if r := l.kept[i]; want == "" || plainReference(r.Reference) == want {
			found = append(found, r)
		}
	}
	return found
}

// plainReference reads a code as people spell it: without case, O as 0, I and L as 1 (DESIGN.md 7.2).
func plainReference(code string) string {
	return strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(code)))
}
