package idp

import (
	"errors"
	"fmt"
	"time"
)

// Kind classifies a failure where it is born; each face has one table from Kind to its wire form.
// A Kind is itself an error, so errors.Is(err, idp.NotFound) works through any wrapping.
type Kind string

// The closed list of kinds. An error without a kind is internal.
const (
	Invalid         Kind = "invalid"         // the caller sent something wrong: Field names it, Code says what
	NotFound        Kind = "not found"       // there is no such thing, or the caller may not learn of it
	Conflict        Kind = "conflict"        // it exists already, or has changed since the caller looked
	Unauthenticated Kind = "unauthenticated" // not proved who they are
	Denied          Kind = "denied"          // proved, but not allowed
	TooMany         Kind = "too many"        // a limit: RetryAfter says when to come again
	Gone            Kind = "gone"            // was there once: expired, used or replaced
	Unavailable     Kind = "unavailable"     // overload or an outage: RetryAfter says when to come again
)

func (k Kind) Error() string { return string(k) }

// Error is the one error type that crosses packages.
type Error struct {
	Kind       Kind
	Code       string            // stable; the key of the text shown to a person or a client
	Field      string            // form field or parameter that is wrong, if one is
	Args       map[string]string // placeholders of the text of Code; never personal data that the reader has not typed
	RetryAfter time.Duration     // for TooMany and Unavailable
	Err        error             // the cause, for the log only
}

func (e *Error) Error() string {
	text := string(e.Kind) + ": " + e.Code
	if e.Field != "" {
		text += " (" + e.Field + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives errors.Is the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Fail makes an error of a kind with a code and no field.
func Fail(kind Kind, code string) *Error { return &Error{Kind: kind, Code: code} }

// Wrong makes an Invalid error that names the field.
func Wrong(field, code string) *Error { return &Error{Kind: Invalid, Code: code, Field: field} }

// Because adds the cause, for the log.
func (e *Error) Because(err error) *Error { e.Err = err; return e }

// Problems is several Invalid errors of one form, in the order of its fields.
type Problems []*Error

func (p Problems) Error() string { return fmt.Sprintf("%d fields are wrong, first %v", len(p), p[0]) }

// Unwrap makes errors.Is(err, Invalid) hold and gives errors.As the first problem.
func (p Problems) Unwrap() []error {
	all := make([]error, len(p))
	for i, e := range p {
		all[i] = e
	}
	return all
}

// OrNil returns p as an error, or nil if nothing is wrong.
func (p Problems) OrNil() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// ProblemsOf lists the field problems within err: those of Problems, or the one Invalid Error.
func ProblemsOf(err error) Problems {
	var many Problems
	if errors.As(err, &many) {
		return many
	}
	var one *Error
	if errors.As(err, &one) {
		return Problems{one}
	}
	return nil
}
