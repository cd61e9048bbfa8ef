package authn

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"propusk/idp"
	"propusk/idp/notify"
	"propusk/keys"
	"propusk/store"
)

// Purpose is what a one-time code is for. A code counts for its flow, browser, purpose and contact alone.
type Purpose string

// The purposes.
const (
	ForSignIn       Purpose = "signin"
	ForNewDevice    Purpose = "device"
	ForRegistration Purpose = "register"
)

// Lives of codes in seconds, and how often one may be tried.
const (
	SMSCodeLife    = 5 * 60
	DeviceCodeLife = 60 * 60      // by e-mail, to sign in on a new device
	MailLinkLife   = 72 * 60 * 60 // registration by e-mail: the link, and the code in the browser that began
	CodeTries      = 5
	spentLimit     = 3
	spentPause     = 15 * 60
)

// Sending is a code to be sent.
type Sending struct {
	Flow    idp.ID
	Purpose Purpose
	To      idp.Identifier
	Life    int64  // seconds
	Budget  string // whose budget of the contact: "new" for strangers, else a device's
	Message notify.Message
}

// SendCode makes a code, in place of the former one, and queues the message in the transaction. It answers with a TooMany
// error, which is a refusal and leaves nothing behind, when the next code is not allowed yet.
func (s *Service) SendCode(ctx context.Context, tx *store.Tx, in Sending, now time.Time) error {
	t := now.Unix()
	if err := s.allowCode(ctx, tx, in, t); err != nil {
		return err
	}
	code := newCode()
	mac := s.codeMAC(in.Flow, in.Purpose, code)
	err := tx.PutCode(ctx, store.OneTimeCode{Flow: in.Flow, Purpose: string(in.Purpose), MAC: mac, Contact: in.To.Value, SentAt: t, ExpiresAt: t + in.Life})
	if err != nil {
		return err
	}
	m := in.Message
	m.Channel, m.To, m.Code, m.Until = notify.SMS, in.To.Value, code, t+in.Life
	if in.To.Kind == idp.ByEmail {
		m.Channel = notify.Email
	}
	return s.Queue(ctx, tx, m, now)
}

// allowCode checks the pause between two codes, the pause after spent ones, and the budgets of the contact.
func (s *Service) allowCode(ctx context.Context, tx *store.Tx, in Sending, now int64) error {
	former, err := tx.Code(ctx, in.Flow, string(in.Purpose))
	if err != nil && !isNotFound(err) {
		return err
	}
	if wait := former.SentAt + s.Limits.CodeGap - now; err == nil && wait > 0 && former.Contact == in.To.Value {
		return tooMany("code.wait", wait, map[string]string{"left": Countdown(wait)})
	}
	paused, err := tx.Attempts(ctx, in.budget("paused"))
	if err != nil {
		return err
	}
	if end := paused.StartedAt + spentPause; paused.Count > 0 && now < end {
		return tooMany("code.paused", end-now, map[string]string{"until": strconv.FormatInt(end, 10)})
	}
	for _, b := range []struct {
		name          string
		limit, window int64
	}{{"hour", s.Limits.CodesPerHour, 3600}, {"day", s.Limits.CodesPerDay, 86400}} {
		a, ok, err := tx.Count(ctx, in.budget(b.name), b.limit, b.window, now)
		if err != nil {
			return err
		}
		if end := a.StartedAt + b.window; !ok {
			return tooMany("code.too_many", end-now, map[string]string{"until": strconv.FormatInt(end, 10)})
		}
	}
	return nil
}

func (in Sending) budget(name string) string {
	return fmt.Sprintf("code:%s:%s:%s:%s", name, in.Purpose, in.To.Value, in.Budget)
}

func tooMany(code string, seconds int64, args map[string]string) error {
	return &idp.Error{Kind: idp.TooMany, Code: code, Field: "code", Args: args, RetryAfter: time.Duration(seconds) * time.Second}
}

// Countdown writes seconds as 0:40.
func Countdown(seconds int64) string { return fmt.Sprintf("%d:%02d", seconds/60, seconds%60) }

// newCode draws six digits, each of the million alike.
func newCode() string {
	for {
		var b [4]byte
		rand.Read(b[:])
		if n := binary.BigEndian.Uint32(b[:]); n < 4_294_000_000 { // a multiple of a million
			return fmt.Sprintf("%06d", n%1_000_000)
		}
	}
}

func (s *Service) codeMAC(flow idp.ID, p Purpose, code string) []byte {
	mac := s.Master.MAC("one-time-code", []byte(flow), []byte(p), []byte(code))
	return mac[:]
}

// ReadCode finds the six digits in what was typed or pasted: spaces, dashes, full-width digits, a whole message with one
// group of six. Error: code.empty.
func ReadCode(text string) (string, error) {
	text = norm.NFKC.String(text)
	joined := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || r == '\u200b' || r == '\u2212' {
			return -1
		}
		return r
	}, text)
	if len(joined) == 6 && onlyDigits(joined) {
		return joined, nil
	}
	groups := strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	found := ""
	for _, g := range groups {
		if len(g) == 6 && g != found {
			if found != "" {
				return "", idp.Wrong("code", "code.empty")
			}
			found = g
		}
	}
	if found == "" {
		return "", idp.Wrong("code", "code.empty")
	}
	return found, nil
}

func onlyDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// TryCode counts a try and judges it. A right code is returned with the state to take it by; the caller takes it in the
// transaction of what it proves. Errors: Invalid code.wrong {left}, code.expired, code.replaced, code.spent, code.empty.
func (s *Service) TryCode(ctx context.Context, flow idp.ID, p Purpose, typed string, now time.Time) (store.OneTimeCode, error) {
	code, err := ReadCode(typed)
	if err != nil {
		return store.OneTimeCode{}, err
	}
	t := now.Unix()
	c, err := s.Store.TryCode(ctx, flow, string(p), CodeTries, t)
	if isNotFound(err) {
		return c, s.whyNoCode(ctx, flow, p, t)
	}
	if err != nil {
		return c, err
	}
	mac := s.codeMAC(flow, p, code)
	switch {
	case keys.Equal(mac, c.MAC):
		return c, nil
	case keys.Equal(mac, c.FormerMAC):
		return c, idp.Wrong("code", "code.replaced")
	case c.Tries >= CodeTries:
		return c, idp.Wrong("code", "code.spent")
	}
	e := idp.Wrong("code", "code.wrong")
	e.Args = map[string]string{"left": strconv.FormatInt(CodeTries-c.Tries, 10)}
	return c, e
}

func (s *Service) whyNoCode(ctx context.Context, flow idp.ID, p Purpose, now int64) error {
	c, err := s.Store.Code(ctx, flow, string(p))
	switch {
	case isNotFound(err):
		return idp.Wrong("code", "code.expired")
	case err != nil:
		return err
	case now < c.ExpiresAt && c.Tries >= CodeTries:
		return idp.Wrong("code", "code.spent")
	}
	return idp.Wrong("code", "code.expired")
}

// CountSpent remembers that all tries of a code were wrong; the third such code within a day begins a pause, and then it is true.
func (s *Service) CountSpent(ctx context.Context, in Sending, now int64) (paused bool, err error) {
	const day = 86400
	a, _, err := s.Store.Count(ctx, in.budget("spent"), spentLimit, day, now)
	if err != nil || a.Count < spentLimit {
		return false, err
	}
	return true, s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.ClearAttempts(ctx, in.budget("spent")); err != nil {
			return err
		}
		_, _, err := tx.Count(ctx, in.budget("paused"), 1, spentPause, now)
		return err
	})
}

// Refund gives the budget of a contact back after a code was right: its owner signs in as often as they like. What registrations
// send is not given back: to prove a number of one's own again and again would send messages without end.
func (in Sending) Refund(ctx context.Context, tx *store.Tx) error {
	names := []string{"spent", "paused", "hour", "day"}
	if in.Purpose == ForRegistration {
		names = names[:2]
	}
	for _, name := range names {
		if err := tx.ClearAttempts(ctx, in.budget(name)); err != nil {
			return err
		}
	}
	return nil
}

func isNotFound(err error) bool { return errors.Is(err, idp.NotFound) }
