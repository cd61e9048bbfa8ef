package store_test

import (
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"propusk/idp"
	"propusk/store"
	"propusk/store/storetest"
)

func TestAMissingDatabaseIsNeverMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lost.db")
	_, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
	if err == nil || !strings.Contains(err.Error(), "IDP_DATABASE") || !strings.Contains(err.Error(), "idp restore") {
		t.Errorf("err = %v, want one that names the setting and the way out", err)
	}
	if left, _ := filepath.Glob(path + "*"); len(left) > 0 {
		t.Errorf("files were made: %q", left)
	}
}

func TestANewDatabaseIsReadableByItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder?", "база #1 %41.db")
	db, err := store.Open(t.Context(), "sqlite:"+path, store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Dir(path) + "/*")
	if len(files) != 3 {
		t.Errorf("files = %q, want the database, its log and index", files)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode = %v, %v; want 0600", file, info.Mode(), err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Dir(path) + "/*"); len(files) != 1 {
		t.Errorf("after closing, files = %q, want the database alone", files)
	}
}

func TestAnAddressThatIsWrongNamesTheSettingAndNoPassword(t *testing.T) {
	for _, address := range []string{"", "idp.db", "mysql://x", "sqlite:", "sqlite::memory:", "sqlite://", "postgres://u:secret@[::1/x",
		"postgres://u:secret@127.0.0.1:1/x"} {
		_, err := store.Open(t.Context(), address, store.Options{})
		if err == nil || !strings.Contains(err.Error(), "IDP_DATABASE") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: err = %v", address, err)
		}
	}
}

func TestAServerThatIsAwayIsAnOutage(t *testing.T) {
	_, err := store.Open(t.Context(), "postgres://u@127.0.0.1:1/x", store.Options{})
	if !errors.Is(err, idp.Unavailable) {
		t.Errorf("err = %v, want unavailable", err)
	}
}

func TestOfSeveralHostsTheOneThatWritesIsFound(t *testing.T) {
	u, err := url.Parse(storetest.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	// A host that is down stands before the one that works.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	down, port, _ := net.SplitHostPort(listener.Addr().String())
	query := u.Query()
	host, at := query.Get("host"), "5432"
	if host == "" {
		host, at = u.Hostname(), u.Port()
		u.Host = ""
	}
	query.Set("host", down+","+host)
	query.Set("port", port+","+at)
	u.RawQuery = query.Encode()
	db := storetest.Open(t, u.String())
	scratch(t, db)
}

// Behind pgbouncer statements cannot stay prepared and session settings do not pass: the address says so, and everything
// still works.
func TestAnAddressForAPoolerWorks(t *testing.T) {
	for _, mode := range []string{"exec", "cache_describe"} {
		t.Run(mode, func(t *testing.T) {
			u, err := url.Parse(storetest.PostgresURL(t))
			if err != nil {
				t.Fatal(err)
			}
			query := u.Query()
			query.Set("default_query_exec_mode", mode)
			u.RawQuery = query.Encode()
			db := storetest.Open(t, u.String())
			scratch(t, db)
			if err := db.InTx(t.Context(), func(tx *store.Tx) error { return add(t.Context(), tx.Queries, 1) }); err != nil {
				t.Fatal(err)
			}
			var bound string
			if err := db.Row(t.Context(), `SHOW statement_timeout`).Scan(&bound); err != nil || bound != "0" {
				t.Errorf("statement_timeout = %s, %v; want the server's own", bound, err)
			}
		})
	}
}
