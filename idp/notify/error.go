package notify

import (
	"strconv"
	"time"
)

// Class says what a failure to send asks for. It is itself an error: errors.Is(err, notify.Temporary) works through wrapping.
type Class string

// The classes. An error without a class is a defect; treat it as Temporary.
const (
	Temporary     Class = "temporary"     // try again after Backoff
	Permanent     Class = "permanent"     // this message will never arrive: give up
	Misconfigured Class = "misconfigured" // wrong credentials, no balance, sender not registered: an administrator acts, then try again
)

func (c Class) Error() string { return string(c) }

// Error is a failure to send. It is made of fixed words, numbers and names of gateways: no address, no text, no URL, no answer.
type Error struct {
	Class   Class
	Gateway string // "smtp", "smsc", ...; empty before a sender was chosen
	What    string // fixed words
	Code    int    // status of HTTP or SMTP, or the gateway's own number; 0 without one
}

func (e *Error) Error() string {
	text := e.What
	if e.Gateway != "" {
		text = e.Gateway + ": " + text
	}
	if e.Code != 0 {
		text += " " + strconv.Itoa(e.Code)
	}
	return text + " (" + string(e.Class) + ")"
}

// Unwrap gives errors.Is the class.
func (e *Error) Unwrap() error { return e.Class }

func fail(class Class, gateway, what string) *Error {
	return &Error{Class: class, Gateway: gateway, What: what}
}

func failCode(class Class, gateway, what string, code int) *Error {
	return &Error{Class: class, Gateway: gateway, What: what, Code: code}
}

var delays = [...]time.Duration{2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
	5 * time.Minute, 15 * time.Minute, 30 * time.Minute}

// Backoff is the pause after the attempt of that number, the first being 1: seconds while a citizen waits for a code,
// then longer up to an hour. Message.Deadline ends the attempts.
func Backoff(attempt int) time.Duration {
	switch {
	case attempt < 1:
		return delays[0]
	case attempt > len(delays):
		return time.Hour
	}
	return delays[attempt-1]
}
