package store

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"net"
	"path"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

// dialect is the database behind a DB. All that differs between the two, opening apart, is in this file.
type dialect string

const (
	dialectSQLite   dialect = "sqlite"
	dialectPostgres dialect = "postgres"
)

func (d dialect) goose() goose.Dialect {
	if d == dialectSQLite {
		return goose.DialectSQLite3
	}
	return goose.DialectPostgres
}

// hasVersionTable asks whether goose ever ran here, without making its table.
func (d dialect) hasVersionTable() string {
	if d == dialectSQLite {
		return `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = $1)`
	}
	return `SELECT to_regclass($1) IS NOT NULL`
}

// writing finds the words by which a statement that begins with WITH may still change rows. A word inside a literal
// counts too: that costs a read the writer's connection, never a write its effect.
var writing = regexp.MustCompile(`(?i)\b(insert|update|delete|replace)\b`)

// isRead tells whether a statement can run on SQLite's reading connections. A mistake cannot do harm: those connections
// are query_only and refuse a write.
func isRead(query string) bool {
	query = strings.TrimLeft(query, " \t\r\n")
	for strings.HasPrefix(query, "--") {
		_, rest, _ := strings.Cut(query, "\n")
		query = strings.TrimLeft(rest, " \t\r\n")
	}
	switch {
	case hasWord(query, "SELECT"), hasWord(query, "VALUES"):
		return true
	case hasWord(query, "WITH"):
		return !writing.MatchString(query)
	}
	return false
}

// hasWord tells whether text begins with word, in any case.
func hasWord(text, word string) bool {
	return len(text) > len(word) && strings.EqualFold(text[:len(word)], word) && !isLetter(text[len(word)])
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

// Result codes. SQLite: https://www.sqlite.org/rescode.html; PostgreSQL: its Appendix A.
const (
	sqliteBusy       = 5
	sqliteIO         = 10
	sqliteFull       = 13
	sqliteCannotOpen = 14
	sqliteUnique     = 2067
	sqlitePrimary    = 1555

	pgReadOnly   = "25006" // a write reached a standby
	pgUnique     = "23505"
	pgSerialize  = "40001"
	pgDeadlock   = "40P01"
	pgCancelled  = "57014" // statement_timeout
	pgConnection = "08"    // class: connection exception
	pgResources  = "53"    // class: insufficient resources, too many connections among them
	pgShutdown   = "57P"   // prefix: the server goes down, or is not up yet
)

// sqliteCode returns SQLite's extended result code within err, or 0.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// pgCode returns the SQLSTATE within err, or "".
func pgCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// IsExists tells whether err is the refusal of a duplicate key. It says nothing of which key: a statement that can
// violate two of them asks for the constraint it expects with ON CONFLICT instead. On PostgreSQL the transaction is dead
// after it.
func IsExists(err error) bool {
	code := sqliteCode(err)
	return code == sqliteUnique || code == sqlitePrimary || pgCode(err) == pgUnique
}

// isClash tells whether the database undid the work because of somebody else's, so that it may simply be done again.
func isClash(err error) bool {
	switch pgCode(err) {
	case pgSerialize, pgDeadlock, pgReadOnly:
		return true
	}
	return sqliteCode(err)&0xff == sqliteBusy
}

// isLost tells whether the connection broke or could not be made. What was under way may or may not have happened.
func isLost(err error) bool {
	if code := pgCode(err); code != "" {
		return strings.HasPrefix(code, pgConnection) || strings.HasPrefix(code, pgShutdown)
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false // the caller hung up, and the driver with it
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// isOutage tells whether the database cannot serve now, for whatever reason that is not the statement's own.
func isOutage(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, sql.ErrNoRows) {
		return false
	}
	code := pgCode(err)
	if isClash(err) || isLost(err) || code == pgCancelled || strings.HasPrefix(code, pgResources) {
		return true
	}
	switch sqliteCode(err) & 0xff {
	case sqliteIO, sqliteFull, sqliteCannotOpen:
		return true
	}
	return false
}

// sqliteFiles serves migrations to SQLite. Its STRICT tables refuse three of our four column types by name, so the files
// are rewritten as they are read; without STRICT a text would pass into a BIGINT.
type sqliteFiles struct{ fs.FS }

// Open implements fs.FS.
func (f sqliteFiles) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return file, err
	}
	text, err := io.ReadAll(file)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return sqliteFile{file, strings.NewReader(forSQLite(string(text)))}, nil
}

type sqliteFile struct {
	fs.File
	text *strings.Reader
}

func (f sqliteFile) Read(p []byte) (int, error) { return f.text.Read(p) }

// sqlToken is what forSQLite has to tell apart: comments and literals are left alone.
var sqlToken = regexp.MustCompile(`--[^\n]*|'(?:[^']|'')*'|\w+|;`)

var sqliteWords = map[string]string{"BIGINT": "INTEGER", "BOOLEAN": "INTEGER", "BYTEA": "BLOB"}

// forSQLite rewrites the column types of a migration and makes its tables STRICT.
func forSQLite(text string) string {
	var before string // the last word
	var table bool    // inside CREATE TABLE
	var out bytes.Buffer
	end := 0
	for _, at := range sqlToken.FindAllStringIndex(text, -1) {
		token := text[at[0]:at[1]]
		out.WriteString(text[end:at[0]])
		end = at[1]
		word := strings.ToUpper(token)
		switch {
		case strings.HasPrefix(token, "--"), token[0] == '\'':
			out.WriteString(token)
			continue
		case token == ";" && table:
			out.WriteString(" STRICT;")
			table = false
		case sqliteWords[word] != "":
			out.WriteString(sqliteWords[word])
		default:
			table = table || word == "TABLE" && before == "CREATE"
			out.WriteString(token)
		}
		before = word
	}
	out.WriteString(text[end:])
	return out.String()
}
