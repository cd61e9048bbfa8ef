package authn

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"propusk/idp"
)

// HashPool is where passwords are hashed: a few at once, because each takes a core and 19 MiB, the others in a queue in
// the order they came, and beyond that an honest "come again". It is safe for concurrent use.
//
// Decision of 24 November 2026: the 19 MiB are left to the garbage collector. Measured (BenchmarkHashPool): keeping
// buffers would need a copy of golang.org/x/crypto/argon2, and the collector costs less than a twentieth of a hash. The
// runtime alone would give the memory back to the system only minutes later, after two cycles, hence [HashPool.Trim].
type HashPool struct {
	slots   chan struct{} // senders block in the order of their arrival: the runtime's queue is the queue
	waiting atomic.Int64
	used    atomic.Int32 // since the last Trim: 2 = yes, 1 = not in the last round, 0 = trimmed
	queue   int64
	wait    time.Duration
}

// NewHashPool makes a pool that runs parallel hashes at once (0: as many as cores) and lets at most queue more wait, each
// no longer than wait.
func NewHashPool(parallel, queue int, wait time.Duration) *HashPool {
	if parallel <= 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	return &HashPool{slots: make(chan struct{}, parallel), queue: int64(queue), wait: wait}
}

// Hash returns the PHC string of a password. An overloaded pool, or a ctx that ends while waiting, is idp.Unavailable with
// code `password.busy`.
func (p *HashPool) Hash(ctx context.Context, password string) (phc string, err error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	return newHash(password), nil
}

// Verify compares a password with a stored PHC string. rehash says that a right password should be stored anew by [Hash],
// because the parameters have changed. An empty phc stands for an unknown account or one without a password: it costs
// the same time and is never right. Errors: as Hash, and an unclassified one for a damaged phc.
func (p *HashPool) Verify(ctx context.Context, phc, password string) (ok, rehash bool, err error) {
	stored := decoy
	if phc != "" {
		if stored, err = parseHash(phc); err != nil {
			return false, false, fmt.Errorf("verify password: %w", err)
		}
	}
	if err := p.enter(ctx); err != nil {
		return false, false, err
	}
	defer p.leave()
	ok = stored.matches(password)
	return ok, ok && stored.outdated(), nil
}

func (p *HashPool) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return p.busy(err)
	}
	select {
	case p.slots <- struct{}{}: // free only if nobody waits
		return nil
	default:
	}
	if p.waiting.Add(1) > p.queue {
		p.waiting.Add(-1)
		return p.busy(errors.New("queue is full"))
	}
	defer p.waiting.Add(-1)
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return p.busy(errors.New("waited too long"))
	case <-ctx.Done():
		return p.busy(ctx.Err())
	}
}

func (p *HashPool) leave() {
	p.used.Store(2)
	<-p.slots
}

// Trim gives the memory of past hashes back to the system if nothing was hashed since the call before. The background
// loop calls it once a minute; under load it does nothing.
func (p *HashPool) Trim() {
	if p.used.CompareAndSwap(2, 1) {
		return
	}
	if len(p.slots) == 0 && p.used.CompareAndSwap(1, 0) {
		debug.FreeOSMemory()
	}
}

// busy asks to come again after the time that empties the queue, in whole seconds.
func (p *HashPool) busy(cause error) error {
	return &idp.Error{
		Kind: idp.Unavailable, Code: "password.busy",
		RetryAfter: max(p.wait.Round(time.Second), time.Second),
		Err:        fmt.Errorf("hash password: %w", cause),
	}
}
