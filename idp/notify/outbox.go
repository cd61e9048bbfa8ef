package notify

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"propusk/idp"
)

// Outbox keeps messages instead of sending them: the sender of the stand and of tests, for every channel. It lives in memory,
// holds the newest thousand, and may be used by many goroutines. Its zero value is ready.
type Outbox struct {
	mu      sync.Mutex
	entries []Entry
	last    int64         // number of the newest entry
	changed chan struct{} // closed and replaced when an entry comes; nil while nobody waits
}

const outboxSize = 1000

// Entry is a message as GET /dev/outbox shows it (CONTRACT.md section 6).
type Entry struct {
	ID      string  `json:"id"` // decimal, growing, also over restarts
	Channel Channel `json:"channel"`
	To      string  `json:"to"`
	Subject string  `json:"subject"`
	Text    string  `json:"text"`
	Code    string  `json:"code"`
	Link    string  `json:"link"`
	At      string  `json:"at"` // RFC 3339, UTC

	number    int64
	address   string // canonical To
	reference string
}

// LogValue masks the entry.
func (e Entry) LogValue() slog.Value { return slog.StringValue("outbox entry " + e.ID) }

// Send keeps the message. A second one with the same reference is the same message and is not kept again.
func (o *Outbox) Send(_ context.Context, m Message, r Rendered) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.entries {
		if m.Reference != "" && e.reference == m.Reference {
			return nil
		}
	}
	now := time.Now()
	// Milliseconds as the number: a stand that starts again goes on where a client's `after` stopped.
	o.last = max(o.last+1, now.UnixMilli())
	o.entries = append(o.entries, Entry{
		ID: strconv.FormatInt(o.last, 10), Channel: m.Channel, To: m.To, Subject: r.Subject, Text: r.Text, Code: m.Code, Link: linkIn(m, r),
		At: now.UTC().Format(time.RFC3339), number: o.last, address: canonical(m.To), reference: m.Reference})
	if len(o.entries) > outboxSize {
		o.entries = append([]Entry(nil), o.entries[len(o.entries)-outboxSize:]...)
	}
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
	return nil
}

// linkIn is the message's link as the reader sees it, with the host.
func linkIn(m Message, r Rendered) string {
	if !strings.HasPrefix(m.Link, "/") {
		return m.Link
	}
	for line := range strings.Lines(r.Text) {
		if line = strings.TrimSpace(line); strings.HasSuffix(line, m.Link) {
			return line
		}
	}
	return m.Link
}

// All is every entry kept, newest last; never nil.
func (o *Outbox) All() []Entry { return o.since("", 0) }

// Wait gives the entries to one address that are newer than the entry `after`, newest last, as soon as there is one; none, and
// never nil, when ctx ends first. An empty `to` means every address; a phone may be written in any way that people do, also
// with the plus lost in a query. An `after` that is empty or no id of ours means all entries kept.
func (o *Outbox) Wait(ctx context.Context, to, after string) []Entry {
	number, err := strconv.ParseInt(after, 10, 64)
	if err != nil {
		number = 0
	}
	to = canonical(to)
	for {
		changed := o.next()
		if found := o.since(to, number); len(found) > 0 {
			return found
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return o.since(to, number)
		}
	}
}

// next is a channel that closes when an entry comes.
func (o *Outbox) next() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return o.changed
}

func (o *Outbox) since(to string, number int64) []Entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := []Entry{}
	for _, e := range o.entries {
		if e.number > number && (to == "" || e.address == to) {
			found = append(found, e)
		}
	}
	return found
}

// canonical is a phone or an e-mail as we store it; another address (of a letter) as it is.
func canonical(to string) string {
	to = strings.TrimSpace(to)
	if id, err := idp.ParseLogin(to); err == nil {
		return id.Value
	}
	return to
}
