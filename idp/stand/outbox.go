package stand

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"propusk/idp"
)

// longestWait bounds ?wait= of the outbox.
const longestWait = time.Minute

// listOutbox answers with the messages to an address after an id, at once or, with ?wait=, as soon as there is one.
func (s *Stand) listOutbox(w http.ResponseWriter, r *http.Request) (any, error) {
	q := r.URL.Query()
	wait, err := readWait(q.Get("wait"))
	if err != nil {
		return nil, err
	}
	// A server's limit on writing an answer counts from the request. Where it cannot be moved there is none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(wait + 10*time.Second))
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	return s.Outbox.Wait(ctx, q.Get("to"), q.Get("after")), nil
}

// readWait reads 10s, 1m, or a number of seconds; a minute at most, nothing if empty. Error: Invalid outbox.wait.
func readWait(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(text, 10, 16); err == nil {
		return min(time.Duration(n)*time.Second, longestWait), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, idp.Wrong("wait", "outbox.wait")
	}
	return min(d, longestWait), nil
}
