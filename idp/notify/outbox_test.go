package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func put(t *testing.T, o *Outbox, to, reference string) Entry {
	t.Helper()
	m := Message{Kind: SignIn, Channel: SMS, To: to, Lang: "ru", Code: "482913", Reference: reference, At: time.Now().Unix()}
	if err := (Senders{SMS: o, Brand: brand16}).Send(t.Context(), m, time.Now()); err != nil {
		t.Fatal(err)
	}
	all := o.All()
	return all[len(all)-1]
}

func ids(entries []Entry) string {
	var b []string
	for _, e := range entries {
		b = append(b, e.reference)
	}
	return strings.Join(b, " ")
}

func TestTheOutboxAnswers(t *testing.T) {
	var o Outbox
	a := put(t, &o, "+79123456789", "a")
	b := put(t, &o, "+79990000000", "b")
	put(t, &o, "+79123456789", "c")
	put(t, &o, "+79123456789", "c") // the job ran twice
	for name, c := range map[string]struct{ to, after, want string }{
		"all, newest last":                      {"", "", "a b c"},
		"those to one number":                   {"+79123456789", "", "a c"},
		"the plus was lost in the query":        {" 79123456789", "", "a c"},
		"the number as people write it":         {"8 (912) 345-67-89", "", "a c"},
		"only newer ones":                       {"", a.ID, "b c"},
		"only newer ones to one number":         {"+79123456789", b.ID, "c"},
		"an after that is no id means all":      {"", "nonsense", "a b c"},
		"an after from an earlier run is older": {"", "1", "a b c"},
	} {
		if got := ids(o.Wait(t.Context(), c.to, c.after)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if a.ID >= b.ID {
		t.Errorf("ids do not order: %s, %s", a.ID, b.ID)
	}
}

func TestTheOutboxSpeaksTheContract(t *testing.T) {
	var o Outbox
	text, err := json.Marshal(put(t, &o, "+79123456789", "a"))
	var got map[string]string
	if err != nil || json.Unmarshal(text, &got) != nil || len(got) != 8 {
		t.Fatalf("got %s, %v", text, err)
	}
	if at, err := time.Parse(time.RFC3339, got["at"]); err != nil || time.Since(at) > time.Minute {
		t.Errorf("at = %q", got["at"])
	}
	if got["channel"] != "sms" || got["code"] != "482913" || got["to"] != "+79123456789" || got["subject"] != "" || got["link"] != "" || got["text"] == "" {
		t.Errorf("got %v", got)
	}
	m := full(Registration, Email, "ru")
	m.At, m.Until = time.Now().Unix(), time.Now().Unix()+60
	if err := (Senders{Email: &o, Brand: brand16}).Send(t.Context(), m, time.Now()); err != nil {
		t.Fatal(err)
	}
	if e := o.All()[1]; e.Link != "https://"+host16+"/confirm/PLANTEDLINK" || e.Subject == "" || e.Channel != Email {
		t.Errorf("got %+v", e)
	}
}

func TestTheOutboxWaitsForTheFirstMatch(t *testing.T) {
	var o Outbox
	put(t, &o, "+79990000000", "other")
	got := make(chan string)
	for range 5 {
		go func() { got <- ids(o.Wait(t.Context(), "+79123456789", "")) }()
	}
	put(t, &o, "+79990000000", "other 2")
	put(t, &o, "+79123456789", "mine")
	for range 5 {
		if g := <-got; g != "mine" {
			t.Errorf("got %q", g)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if none := o.Wait(ctx, "+79111111111", ""); none == nil || len(none) != 0 {
		t.Errorf("got %v, want an empty list", none)
	}
}

func TestTheOutboxKeepsTheNewestThousand(t *testing.T) {
	var o Outbox
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 300 {
				o.Send(context.Background(), Message{Channel: SMS, To: "+79123456789", Reference: fmt.Sprint(w, i)}, Rendered{})
			}
		})
	}
	all.Wait()
	entries := o.All()
	for i := 1; i < len(entries); i++ {
		if entries[i-1].ID >= entries[i].ID {
			t.Fatalf("out of order at %d", i)
		}
	}
	if len(entries) != outboxSize {
		t.Errorf("got %d entries", len(entries))
	}
}

func TestSendersRefuse(t *testing.T) {
	now := time.Unix(1000, 0)
	m := Message{Kind: SignIn, Channel: SMS, To: "+79123456789", Code: "482913", At: 1000, Until: 1300}
	if err := (Senders{SMS: new(Outbox)}).Send(t.Context(), m, now.Add(5*time.Minute)); !errors.Is(err, Permanent) {
		t.Errorf("an old code: got %v", err)
	}
	if err := (Senders{}).Send(t.Context(), m, now); !errors.Is(err, Misconfigured) || !strings.Contains(err.Error(), "IDP_SMS_URL") {
		t.Errorf("no gateway: got %v", err)
	}
	m.Code = ""
	if err := (Senders{SMS: new(Outbox)}).Send(t.Context(), m, now); !errors.Is(err, Permanent) {
		t.Errorf("no code: got %v", err)
	}
}

func TestBackoffGrowsToAnHour(t *testing.T) {
	last := time.Duration(0)
	for i := -1; i < 40; i++ {
		d := Backoff(i)
		if d < last || d < time.Second || d > time.Hour {
			t.Errorf("Backoff(%d) = %v after %v", i, d, last)
		}
		last = d
	}
	if last != time.Hour {
		t.Errorf("got %v", last)
	}
}
