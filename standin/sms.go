package standin

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// SMSMood says how a stand-in of a gateway treats the requests that come.
type SMSMood int

// The moods.
const (
	SMSAccepts       SMSMood = iota // takes every message over
	SMSSilent                       // takes the request and never answers
	SMSBroken                       // HTTP 500
	SMSGarbled                      // HTTP 200 with a page of HTML
	SMSEndless                      // HTTP 200 with a body that does not end
	SMSRefusesNumber                // refuses the number
	SMSNoMoney                      // there is no money on the account
	SMSBusy                         // too many requests
	SMSSeenBefore                   // says that it has seen the message before
	SMSMoved                        // HTTP 302 to another address
)

// SMS stands in for six kinds of SMS gateways, told apart by their paths:
//
//	/                            our generic protocol      POST JSON, Bearer
//	/sys/send.php                SMSC.ru                   POST form
//	/v2/sms/send                 SMS Aero                  POST JSON, Basic
//	/messaging/v1/SendSMS        MTS Exolve                POST JSON, Bearer
//	/proto/http/rest             Beeline A2P               POST JSON
//	/cgi-bin/sendsms             Kannel                    GET
//
// It checks credentials where Login or Secret are set (set them before serving), answers as the real one does, and keeps what
// it took over. A reference seen before is one message.
type SMS struct {
	Login, Secret string

	mu    sync.Mutex
	mood  SMSMood
	asked int
	taken []Text
}

// Text is a message that a stand-in took over.
type Text struct {
	Gateway   string // "generic", "smsc", ...
	To        string // as it came: with or without its plus
	Text      string
	Sender    string
	Reference string // where the protocol has one
	Coding    string // of Kannel
}

// Treat sets the mood.
func (s *SMS) Treat(m SMSMood) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mood = m
}

// Taken lists the messages taken over, oldest first.
func (s *SMS) Taken() []Text {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Text(nil), s.taken...)
}

// Asked counts the requests, whatever became of them.
func (s *SMS) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// wire is one gateway's protocol.
type wire struct {
	method  string
	read    func(*http.Request) (t Text, login, secret string, err error)
	ok      func(n int) (status int, body string)
	refused map[SMSMood]answer
	denied  answer
}

type answer struct {
	status int
	body   string
}

func (s *SMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked++
	mood := s.mood
	s.mu.Unlock()
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	p, found := wires[r.URL.Path]
	if !found || r.Method != p.method {
		http.NotFound(w, r)
		return
	}
	text, login, secret, err := p.read(r)
	if err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	if mood != SMSAccepts && misbehave(w, r, mood) {
		return
	}
	switch refusal, refuses := p.refused[mood]; {
	case !same(s.Login, login) || !same(s.Secret, secret):
		reply(w, p.denied)
	case refuses:
		reply(w, refusal)
	default:
		status, body := p.ok(s.take(text))
		reply(w, answer{status, body})
	}
}

// take keeps the message, unless its reference was seen, and gives its number.
func (s *SMS) take(t Text) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, seen := range s.taken {
		if t.Reference != "" && seen.Gateway == t.Gateway && seen.Reference == t.Reference {
			return i + 1
		}
	}
	s.taken = append(s.taken, t)
	return len(s.taken)
}

// same compares a credential, if one is set.
func same(want, got string) bool {
	return want == "" || subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}

// misbehave does what any server may do; false for moods that only a protocol can express.
func misbehave(w http.ResponseWriter, r *http.Request, mood SMSMood) bool {
	switch mood {
	case SMSSilent:
		<-r.Context().Done()
	case SMSBroken:
		reply(w, answer{500, "internal error for " + r.URL.String()})
	case SMSGarbled:
		reply(w, answer{200, "<html>captive portal</html>"})
	case SMSEndless:
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat(" ", 4096)); err != nil {
				return true
			}
		}
	case SMSMoved:
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	default:
		return false
	}
	return true
}

func reply(w http.ResponseWriter, a answer) {
	kind := "application/json"
	if !strings.HasPrefix(a.body, "{") {
		kind = "text/html"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(a.status)
	io.WriteString(w, a.body)
}

var wires = map[string]wire{
	"/": {method: "POST", read: readGeneric, denied: answer{401, `{"error":"token"}`},
		ok:      func(n int) (int, string) { return 202, fmt.Sprintf(`{"id":"g-%d"}`, n) },
		refused: map[SMSMood]answer{SMSRefusesNumber: {422, `{"error":"number"}`}, SMSNoMoney: {402, `{}`}, SMSBusy: {429, `{}`}, SMSSeenBefore: {409, `{"error":"seen"}`}}},
	"/sys/send.php": {method: "POST", read: readSMSC, denied: answer{200, `{"error":"authorise error","error_code":2}`},
		ok: func(n int) (int, string) { return 200, fmt.Sprintf(`{"id":%d,"cnt":1}`, n) },
		refused: map[SMSMood]answer{SMSRefusesNumber: {200, `{"error":"invalid number","error_code":7,"id":5}`}, SMSNoMoney: {200, `{"error":"no money","error_code":3,"id":5}`},
			SMSBusy: {200, `{"error":"too many concurrent requests","error_code":9}`}, SMSSeenBefore: {200, `{"error":"duplicate request, wait a minute","error_code":9}`}}},
	"/v2/sms/send": {method: "POST", read: readAero, denied: answer{401, `{"success":false,"data":null,"message":"Your request was made with invalid credentials."}`},
		ok: func(n int) (int, string) {
			return 200, fmt.Sprintf(`{"success":true,"data":{"id":%d,"from":"SMS Aero","status":8,"extendStatus":"moderation","cost":"1.95"},"message":null}`, n)
		},
		refused: map[SMSMood]answer{SMSRefusesNumber: {400, `{"success":false,"data":{"number":["wrong"]},"message":"Validation error."}`},
			SMSNoMoney: {402, `{"success":false,"data":null,"message":"Not enough money"}`}, SMSBusy: {429, `{"success":false}`}}},
	"/messaging/v1/SendSMS": {method: "POST", read: readExolve, denied: answer{401, `{"error":{"code":"Unauthorized"}}`},
		ok:      func(n int) (int, string) { return 200, fmt.Sprintf(`{"message_id":"43916653823944%d"}`, n) },
		refused: map[SMSMood]answer{SMSRefusesNumber: {400, `{"error":{"message":"invalid SendRequest.Destination: value does not match regex pattern"}}`}, SMSNoMoney: {402, `{}`}, SMSBusy: {429, `{}`}}},
	"/proto/http/rest": {method: "POST", read: readBeeline, denied: answer{401, `{"errors":[{"message":"auth"}]}`},
		ok: func(n int) (int, string) {
			return 200, fmt.Sprintf(`{"agt_id":"1","date_report":"2026-11-22T14:30:00","actions":[{"sms_group_id":"9","id":"%d","sms_type":"SENDSMS"}]}`, n)
		},
		refused: map[SMSMood]answer{SMSRefusesNumber: {200, `{"actions":[],"errors":[{"message":"number"}]}`}, SMSNoMoney: {402, `{}`}, SMSBusy: {429, `{}`}}},
	"/cgi-bin/sendsms": {method: "GET", read: readKannel, denied: answer{403, "Authorization failed for sendsms"},
		ok:      func(int) (int, string) { return 202, "0: Accepted for delivery" },
		refused: map[SMSMood]answer{SMSRefusesNumber: {400, "Sender missing and no global set, rejected"}, SMSBusy: {503, "Temporal failure, try again later."}}},
}

func readGeneric(r *http.Request) (Text, string, string, error) {
	var b struct{ To, Text, Sender, Reference string }
	err := json.NewDecoder(r.Body).Decode(&b)
	if err == nil && r.Header.Get("Idempotency-Key") != b.Reference {
		err = fmt.Errorf("two references")
	}
	return Text{Gateway: "generic", To: b.To, Text: b.Text, Sender: b.Sender, Reference: b.Reference}, "", bearer(r), err
}

func readSMSC(r *http.Request) (Text, string, string, error) {
	if err := r.ParseForm(); err != nil {
		return Text{}, "", "", err
	}
	f := r.PostForm
	t := Text{Gateway: "smsc", To: f.Get("phones"), Text: f.Get("mes"), Sender: f.Get("sender"), Reference: f.Get("id")}
	if f.Get("fmt") != "3" || f.Get("charset") != "utf-8" {
		return t, "", "", fmt.Errorf("format %s, charset %s", f.Get("fmt"), f.Get("charset"))
	}
	return t, f.Get("login"), f.Get("psw") + f.Get("apikey"), nil
}

func readAero(r *http.Request) (Text, string, string, error) {
	var b struct {
		Number     int64
		Text, Sign string
	}
	err := json.NewDecoder(r.Body).Decode(&b)
	login, secret, _ := r.BasicAuth()
	return Text{Gateway: "smsaero", To: fmt.Sprint(b.Number), Text: b.Text, Sender: b.Sign}, login, secret, err
}

func readExolve(r *http.Request) (Text, string, string, error) {
	var b struct{ Number, Destination, Text string }
	err := json.NewDecoder(r.Body).Decode(&b)
	return Text{Gateway: "exolve", To: b.Destination, Text: b.Text, Sender: b.Number}, "", bearer(r), err
}

func readBeeline(r *http.Request) (Text, string, string, error) {
	var b struct {
		User, Pass, Action, Target, Message, Sender string
		Post                                        string `json:"post_id"`
	}
	err := json.NewDecoder(r.Body).Decode(&b)
	if err == nil && b.Action != "post_sms" {
		err = fmt.Errorf("action %s", b.Action)
	}
	return Text{Gateway: "beeline", To: b.Target, Text: b.Message, Sender: b.Sender, Reference: b.Post}, b.User, b.Pass + r.Header.Get("X-ApiKey"), err
}

func readKannel(r *http.Request) (Text, string, string, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	return Text{Gateway: "kannel", To: q.Get("to"), Text: q.Get("text"), Sender: q.Get("from"), Coding: q.Get("coding")}, q.Get("username"), q.Get("password"), err
}

func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}
