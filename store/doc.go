// Package store holds every SQL statement of the product, each one a method of Queries, written once for SQLite and
// PostgreSQL. DB and Tx embed Queries; services open transactions with DB.InTx.
//
// A statement guards its own write: the condition stands in the outer WHERE, and no row means that somebody else was first,
// or that the guard does not hold; the caller is then told by idp.NotFound or by a false. Nothing is read, decided and written
// unguarded. Times come from Go as seconds since the epoch.
package store

import (
	"database/sql"
	"errors"
	"strings"

	"propusk/idp"
)

// notFound turns the driver's «no rows» into the kind of package idp.
func notFound(err error, code string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return &idp.Error{Kind: idp.NotFound, Code: code}
	}
	return err
}

// list and unlist keep short lists of words without spaces (scopes, methods, acr values) in a TEXT column.
func list[T ~string](words []T) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(w))
	}
	return b.String()
}

func unlist[T ~string](text string) []T {
	if text == "" {
		return nil
	}
	words := strings.Split(text, " ")
	out := make([]T, len(words))
	for i, w := range words {
		out[i] = T(w)
	}
	return out
}

func acrList(acrs []idp.ACR) string {
	words := make([]string, len(acrs))
	for i, a := range acrs {
		words[i] = a.String()
	}
	return list(words)
}

func unACR(text string) []idp.ACR {
	var out []idp.ACR
	for _, w := range unlist[string](text) {
		if a, err := idp.ParseACR(w); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// blob makes sure that a BYTEA column gets bytes and never NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// one reports whether a guarded write changed a row.
func one(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}
