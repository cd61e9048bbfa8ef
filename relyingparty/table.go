package relyingparty

import (
	"container/list"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// digest is the SHA-256 of a secret that only the browser holds: what is kept here cannot be sent back by who reads it.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// secretText is 130 random bits in 26 characters of base32, fit for a cookie and for a URL.
func secretText() string { return rand.Text() }

// table is a map bounded in number and in time. An entry ends a fixed time after it was put, or when nobody asked for it
// during the idle time; a full table gives up the entry that was asked for least recently.
type table[V any] struct {
	limit      int
	life, idle time.Duration

	mu      sync.Mutex // guards what follows
	entries map[digest]*list.Element
	order   *list.List // of *entry[V], least recently seen first
}

type entry[V any] struct {
	key        digest
	value      V
	born, seen time.Time
}

func newTable[V any](limit int, life, idle time.Duration) *table[V] {
	return &table[V]{limit: limit, life: life, idle: idle, entries: map[digest]*list.Element{}, order: list.New()}
}

// get returns the value and counts as being seen.
func (t *table[V]) get(key digest, now time.Time) (V, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	element := t.live(key, now)
	if element == nil {
		var none V
		return none, false
	}
	e := element.Value.(*entry[V])
	e.seen = now
	t.order.MoveToBack(element)
	return e.value, true
}

// put keeps a value, which begins its life now.
func (t *table[V]) put(key digest, value V, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.store(key, value, now)
}

// store is put. The caller holds mu.
func (t *table[V]) store(key digest, value V, now time.Time) {
	t.remove(t.entries[key])
	for front := t.order.Front(); front != nil; front = t.order.Front() {
		if t.order.Len() < t.limit && !t.ended(front.Value.(*entry[V]), now) {
			break
		}
		t.remove(front)
	}
	t.entries[key] = t.order.PushBack(&entry[V]{key, value, now, now})
}

// add is put for a key that must be new; it says whether it was.
func (t *table[V]) add(key digest, value V, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live(key, now) != nil {
		return false
	}
	t.store(key, value, now)
	return true
}

// replace changes the value of an entry that still lives, without prolonging its life.
func (t *table[V]) replace(key digest, value V, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	element := t.live(key, now)
	if element == nil {
		return false
	}
	element.Value.(*entry[V]).value = value
	return true
}

// take removes an entry and returns its value.
func (t *table[V]) take(key digest, now time.Time) (V, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	element := t.live(key, now)
	if element == nil {
		var none V
		return none, false
	}
	t.remove(element)
	return element.Value.(*entry[V]).value, true
}

// removeAll removes the entries of which drop is true and returns their number.
func (t *table[V]) removeAll(drop func(V) bool) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	var removed int
	for element := t.order.Front(); element != nil; {
		next := element.Next()
		if drop(element.Value.(*entry[V]).value) {
			t.remove(element)
			removed++
		}
		element = next
	}
	return removed
}

// live returns the entry if it has not ended, and forgets it if it has. The caller holds mu.
func (t *table[V]) live(key digest, now time.Time) *list.Element {
	element := t.entries[key]
	if element != nil && t.ended(element.Value.(*entry[V]), now) {
		t.remove(element)
		return nil
	}
	return element
}

func (t *table[V]) ended(e *entry[V], now time.Time) bool {
	return now.Sub(e.born) >= t.life || now.Sub(e.seen) >= t.idle
}

func (t *table[V]) remove(element *list.Element) {
	if element == nil {
		return
	}
	delete(t.entries, element.Value.(*entry[V]).key)
	t.order.Remove(element)
}

// bucket allows a burst of size and then one more every interval. The zero level counts as full at the first use.
type bucket struct {
	size  int
	every time.Duration

	left float64
	last time.Time
}

// take says whether one more is allowed. The caller guards it.
func (b *bucket) take(now time.Time) bool {
	if b.last.IsZero() {
		b.left = float64(b.size)
	} else {
		b.left = min(float64(b.size), b.left+now.Sub(b.last).Seconds()/b.every.Seconds())
	}
	b.last = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
