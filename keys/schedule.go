package keys

import (
	"cmp"
	"slices"
	"time"
)

// grace is how long after UseUntil a key goes on signing if no successor is there: a loop that stands still for a day
// must not stop the sign-in of a country. Schedule.Retire has to exceed the longest token life by as much.
const grace = 24 * time.Hour

// Schedule is the life of a signing key.
type Schedule struct {
	Publish time.Duration // published before use, so that every relying party's cache has it
	Use     time.Duration // signs
	Retire  time.Duration // stays published after use: the longest token life and a day
}

// NewSchedule returns the usual schedule: published 24 hours before use, used 90 days, kept published for the longest
// token life and a day. Count what is verified by signature here: access and ID tokens, not refresh tokens.
func NewSchedule(longestToken time.Duration) Schedule {
	return Schedule{Publish: 24 * time.Hour, Use: 90 * 24 * time.Hour, Retire: longestToken + grace}
}

// Need is a key to be made now.
type Need struct {
	Alg     string
	UseFrom int64 // seconds since the epoch; now or later
}

// Plan says which keys to make now, so that each algorithm has one in use and the next is published in time, and the IDs
// of the keys that may be deleted, because their time is over. Calling it twice without acting gives the same answer.
// Two processes that act on it at once make two keys, of which one signs: a waste and no harm.
func Plan(existing []SigningKey, algs []string, now time.Time, s Schedule) (missing []Need, retired []string) {
	t := now.Unix()
	for _, k := range existing {
		if k.RetireAt <= t {
			retired = append(retired, k.ID)
		}
	}
	for _, alg := range algs {
		until := providedUntil(byUse(existing, alg, t), t)
		if until-seconds(s.Publish+s.Publish/4) <= t { // a quarter early, for the loop that calls may be late
			missing = append(missing, Need{alg, max(until, t)})
		}
	}
	return missing, retired
}

// providedUntil says until when one key after the other signs, a gap of grace allowed; 0 if none signs now.
func providedUntil(keys []SigningKey, now int64) int64 {
	i := inUse(keys, now)
	if i < 0 {
		return 0
	}
	until := keys[i].UseUntil
	for _, k := range keys[i+1:] {
		if k.UseFrom <= max(now, until)+seconds(grace) {
			until = max(until, k.UseUntil)
		}
	}
	return until
}

// byUse returns the keys of an algorithm that are not retired, in the order of their use.
func byUse(existing []SigningKey, alg string, now int64) []SigningKey {
	var of []SigningKey
	for _, k := range existing {
		if k.Alg == alg && k.RetireAt > now {
			of = append(of, k)
		}
	}
	slices.SortFunc(of, func(a, b SigningKey) int {
		return cmp.Or(cmp.Compare(a.UseFrom, b.UseFrom), cmp.Compare(a.ID, b.ID))
	})
	return of
}

// inUse returns the index of the key that signs at the time: the last whose use has begun, even some time after it should
// have ended (grace). keys are in the order of byUse; -1 means none.
func inUse(keys []SigningKey, now int64) int {
	for i := len(keys) - 1; i >= 0; i-- {
		k := &keys[i]
		if k.UseFrom > now {
			continue
		}
		if now < k.UseUntil+seconds(grace) && now < k.RetireAt {
			return i
		}
		return -1
	}
	return -1
}

// Change is what a rotation on demand does: write the updated rows and generate the needed keys, in one transaction.
type Change struct {
	Update []SigningKey // existing keys with other times
	Make   []Need
}

// Rotate replaces the keys of the algorithms on demand (`idp keys rotate`). Normally the new key is published now and used
// after the overlap, the old ones sign until then and stay published for the tokens they signed. In an emergency,
// when a private key may have leaked, the new key is used at once and the old ones are withdrawn at once: every token
// they signed stops to be valid.
func Rotate(existing []SigningKey, algs []string, now time.Time, s Schedule, emergency bool) Change {
	var c Change
	t := now.Unix()
	for _, alg := range algs {
		old := byUse(existing, alg, t)
		signing, start := inUse(old, t), now.Add(s.Publish).Unix()
		if emergency || signing < 0 {
			start = t // nothing to overlap with
		}
		for i, k := range old {
			switch {
			case emergency || k.UseFrom > t:
				k.UseFrom, k.UseUntil, k.RetireAt = min(k.UseFrom, t), min(k.UseUntil, t), t
			case i == signing:
				k.UseUntil, k.RetireAt = start, start+seconds(s.Retire)
			default:
				continue // signs no more, published as before
			}
			c.Update = append(c.Update, k)
		}
		c.Make = append(c.Make, Need{alg, start})
	}
	return c
}
