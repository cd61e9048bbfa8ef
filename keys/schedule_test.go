package keys

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// In these tests time is counted in hours from an epoch; the schedule is 24 h, 90 days, 48 h.
var (
	epoch    = time.Unix(1_800_000_000, 0)
	schedule = NewSchedule(24 * time.Hour)
)

func hour(h int) int64 { return epoch.Unix() + int64(h)*3600 }

func row(id string, from, until, retire int) SigningKey {
	return SigningKey{ID: id, Alg: ES256, CreatedAt: hour(min(from, 0)), UseFrom: hour(from), UseUntil: hour(until), RetireAt: hour(retire)}
}

const use = 90 * 24

func TestPlan(t *testing.T) {
	first := row("first", 0, use, use+48)
	next := row("next", use, 2*use, 2*use+48)
	for name, c := range map[string]struct {
		keys    []SigningKey
		at      int
		missing []Need
		retired []string
	}{
		"an empty installation needs a key at once":         {at: 0, missing: []Need{{ES256, hour(0)}}},
		"a fresh key is enough":                             {keys: []SigningKey{first}, at: 1},
		"31 hours before the end nothing is due":            {keys: []SigningKey{first}, at: use - 31},
		"30 hours before the end the next is published":     {keys: []SigningKey{first}, at: use - 30, missing: []Need{{ES256, hour(use)}}},
		"the next is published once":                        {keys: []SigningKey{first, next}, at: use - 20},
		"a late loop makes the next for at once":            {keys: []SigningKey{first}, at: use + 3, missing: []Need{{ES256, hour(use + 3)}}},
		"after a long stop a key is needed at once":         {keys: []SigningKey{first}, at: use + 30, missing: []Need{{ES256, hour(use + 30)}}},
		"the old key stays published after use":             {keys: []SigningKey{first, next}, at: use + 47},
		"the old key is deleted when retired":               {keys: []SigningKey{first, next}, at: use + 48, retired: []string{"first"}},
		"a retired key does not count":                      {keys: []SigningKey{first}, at: use + 48, missing: []Need{{ES256, hour(use + 48)}}, retired: []string{"first"}},
		"a key of the far future does not sign now":         {keys: []SigningKey{next}, at: 0, missing: []Need{{ES256, hour(0)}}},
		"a key of another algorithm does not help":          {keys: []SigningKey{{ID: "r", Alg: RS256, UseUntil: hour(use), RetireAt: hour(use)}}, at: 0, missing: []Need{{ES256, hour(0)}}},
		"a gap that grace covers does not need another key": {keys: []SigningKey{row("a", 0, 100, 148), row("b", 110, 110+use, use+200)}, at: 99},
	} {
		missing, retired := Plan(c.keys, []string{ES256}, time.Unix(hour(c.at), 0), schedule)
		if d := cmp.Diff(c.missing, missing); d != "" {
			t.Errorf("%s: missing: %s", name, d)
		}
		if d := cmp.Diff(c.retired, retired); d != "" {
			t.Errorf("%s: retired: %s", name, d)
		}
	}
}

func TestAYearOfPlanningKeepsEveryTokenVerifiable(t *testing.T) {
	m, _ := NewMaster()
	var rows []SigningKey
	type token struct {
		compact string
		until   int
	}
	var tokens []token
	made := 0
	for h := 0; h < 400*24; h += 5 { // an uneven step, so that the loop is late now and then
		now := time.Unix(hour(h), 0)
		missing, retired := Plan(rows, []string{ES256}, now, schedule)
		rows = slices.DeleteFunc(rows, func(k SigningKey) bool { return slices.Contains(retired, k.ID) })
		for _, n := range missing {
			k, err := n.Generate(m, now, schedule)
			if err != nil {
				t.Fatal(err)
			}
			if h > 0 && n.UseFrom-now.Unix() < seconds(schedule.Publish) {
				t.Errorf("hour %d: published only %d s before use", h, n.UseFrom-now.Unix())
			}
			rows, made = append(rows, k), made+1
		}
		r, err := NewRing(m, rows, now)
		if err != nil {
			t.Fatal(err)
		}
		compact, _, err := r.Sign(ES256, "JWT", []byte(`{}`), now.Add(4*time.Hour))
		if err != nil {
			t.Fatalf("hour %d: %v", h, err)
		}
		tokens = append(tokens, token{compact, h + 4 + 24})
		for len(tokens) > 0 && tokens[0].until < h {
			tokens = tokens[1:]
		}
		for _, tok := range []token{tokens[0], tokens[len(tokens)-1]} {
			if _, err := r.Verify(tok.compact); err != nil {
				t.Fatalf("hour %d: %v", h, err)
			}
		}
	}
	if made != 5 {
		t.Errorf("keys made in 400 days = %d, want 5", made)
	}
}

func TestRotate(t *testing.T) {
	old := row("old", -use-500, -500, 30)
	current := row("current", -500, use-500, use-452)
	next := row("next", use-500, 2*use-500, 2*use)
	retired := row("retired", -2*use, -use, -1)
	now := epoch
	for name, c := range map[string]struct {
		keys      []SigningKey
		emergency bool
		want      Change
	}{
		"without keys the new one is used at once": {want: Change{Make: []Need{{ES256, hour(0)}}}},
		"the current key signs until the overlap ends and stays published": {
			keys: []SigningKey{old, current, retired},
			want: Change{
				Update: []SigningKey{row("current", -500, 24, 24+48)},
				Make:   []Need{{ES256, hour(24)}},
			}},
		"a key that waits for its use is withdrawn": {
			keys: []SigningKey{current, next},
			want: Change{
				Update: []SigningKey{row("current", -500, 24, 24+48), row("next", 0, 0, 0)},
				Make:   []Need{{ES256, hour(24)}},
			}},
		"in an emergency all are withdrawn and the new one is used at once": {
			keys: []SigningKey{old, current, next}, emergency: true,
			want: Change{
				Update: []SigningKey{row("old", -use-500, -500, 0), row("current", -500, 0, 0), row("next", 0, 0, 0)},
				Make:   []Need{{ES256, hour(0)}},
			}},
	} {
		got := Rotate(c.keys, []string{ES256}, now, schedule, c.emergency)
		for i := range got.Update { // CreatedAt is never touched
			got.Update[i].CreatedAt = 0
		}
		for i := range c.want.Update {
			c.want.Update[i].CreatedAt = 0
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestAfterARotationNothingIsPlanned(t *testing.T) {
	m, _ := NewMaster()
	for _, emergency := range []bool{false, true} {
		t.Run(fmt.Sprint("emergency ", emergency), func(t *testing.T) {
			k, err := Generate(m, ES256, epoch, schedule)
			if err != nil {
				t.Fatal(err)
			}
			now := epoch.Add(time.Hour)
			c := Rotate([]SigningKey{k}, []string{ES256}, now, schedule, emergency)
			made, err := c.Make[0].Generate(m, now, schedule)
			if err != nil {
				t.Fatal(err)
			}
			rows := append(c.Update, made)
			if missing, _ := Plan(rows, []string{ES256}, now, schedule); missing != nil {
				t.Errorf("missing = %v", missing)
			}
			r, err := NewRing(m, rows, now)
			if err != nil {
				t.Fatal(err)
			}
			_, kid, _ := r.Sign(ES256, "JWT", []byte(`{}`), now)
			if want := map[bool]string{false: k.ID, true: made.ID}[emergency]; kid != want {
				t.Errorf("signed by %s, want %s", kid, want)
			}
			_, kid, _ = r.Sign(ES256, "JWT", []byte(`{}`), now.Add(24*time.Hour))
			if kid != made.ID {
				t.Errorf("after the overlap signed by %s, want %s", kid, made.ID)
			}
		})
	}
}
