package store_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"propusk/idp"
	"propusk/store"
	"propusk/store/storetest"
)

// busyError makes SQLite's own error of a database that another process is writing to.
func busyError(t *testing.T) error {
	t.Helper()
	db := storetest.SQLite(t)
	scratch(t, db)
	rival := storetest.Open(t, "sqlite:"+path(t, db))
	if _, err := rival.Exec(t.Context(), `PRAGMA busy_timeout = 0`); err != nil {
		t.Fatal(err)
	}
	var busy error
	err := db.InTx(t.Context(), func(*store.Tx) error {
		busy = rival.ExecAlone(t.Context(), insert, 1, "a", true, []byte{})
		return nil
	})
	if err != nil || busy == nil {
		t.Fatalf("err = %v, rival's err = %v; want nil, busy", err, busy)
	}
	return busy
}

func path(t *testing.T, db *store.DB) (file string) {
	t.Helper()
	if err := db.Row(t.Context(), `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestATransactionIsTriedThreeTimesWhenOthersAreInTheWay(t *testing.T) {
	db, busy := storetest.SQLite(t), busyError(t)
	for failures, want := range map[int]struct {
		runs int
		kind error
	}{0: {1, nil}, 1: {2, nil}, 2: {3, nil}, 3: {3, idp.Unavailable}} {
		runs := 0
		err := db.InTx(t.Context(), func(*store.Tx) error {
			if runs++; runs <= failures {
				return busy
			}
			return nil
		})
		if !errors.Is(err, want.kind) || runs != want.runs {
			t.Errorf("%d clashes: runs = %d, err = %v; want %d, %v", failures, runs, err, want.runs, want.kind)
		}
	}
}

func TestOfTwoInADeadlockBothAreDoneInTheEnd(t *testing.T) {
	db := storetest.Postgres(t)
	scratch(t, db)
	ctx := t.Context()
	for id := range 2 {
		if err := add(ctx, db.Queries, id); err != nil {
			t.Fatal(err)
		}
	}
	var all, met sync.WaitGroup
	met.Add(2)
	for i := range 2 {
		all.Go(func() {
			first := true
			err := db.InTx(ctx, func(tx *store.Tx) error {
				if _, err := tx.Exec(ctx, `UPDATE scratch SET body = body || $2 WHERE id = $1`, i, []byte{1}); err != nil {
					return err
				}
				if first {
					first = false
					met.Done()
					met.Wait()
				}
				_, err := tx.Exec(ctx, `UPDATE scratch SET body = body || $2 WHERE id = $1`, 1-i, []byte{1})
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var n int
	if err := db.Row(ctx, `SELECT sum(length(body)) FROM scratch`).Scan(&n); err != nil || n != 6 {
		t.Errorf("updates = %d, %v; want 6 bytes", n, err)
	}
}

func TestAServerThatBecameAStandbyIsLeft(t *testing.T) {
	db := storetest.Postgres(t)
	scratch(t, db)
	ctx := t.Context()
	demote := func() {
		// All connections of the pool at once, so that each meets the server as it is after a failover.
		var all, held sync.WaitGroup
		held.Add(5)
		for range 5 {
			all.Go(func() {
				err := db.InTx(ctx, func(tx *store.Tx) error {
					_, err := tx.Exec(ctx, `SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY`)
					held.Done()
					held.Wait()
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	demote()
	if err := add(ctx, db.Queries, 1); err != nil {
		t.Errorf("a write: %v", err)
	}
	demote()
	if err := db.InTx(ctx, func(tx *store.Tx) error { return add(ctx, tx.Queries, 2) }); err != nil {
		t.Errorf("a transaction: %v", err)
	}
}

func TestAServerThatRestartedIsFoundAgain(t *testing.T) {
	address := storetest.PostgresURL(t)
	db, rival := storetest.Open(t, address), storetest.Open(t, address)
	scratch(t, db)
	ctx := t.Context()
	restart := func() {
		const end = `SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
		var n int
		if err := rival.Row(ctx, end).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	restart()
	if n := count(t, db); n != 0 {
		t.Errorf("rows = %d", n)
	}
	restart()
	if err := db.InTx(ctx, func(tx *store.Tx) error { return add(ctx, tx.Queries, 1) }); err != nil {
		t.Errorf("a transaction: %v", err)
	}
	runs := 0
	err := db.InTx(ctx, func(tx *store.Tx) error {
		if runs++; runs == 1 {
			restart()
		}
		return add(ctx, tx.Queries, 2)
	})
	if err != nil || runs != 2 {
		t.Errorf("a transaction cut in its middle: runs = %d, err = %v; want 2, nil", runs, err)
	}
	// A write by itself that breaks off may have been committed: it is not repeated. A read is.
	const die = `pg_terminate_backend(pg_backend_pid(), 5000)`
	_, err = db.Exec(ctx, `INSERT INTO scratch (id, name, yes, body) SELECT 3, 'c', `+die+`, ''`)
	if !errors.Is(err, store.ErrOutcomeUnknown) || !errors.Is(err, idp.Unavailable) {
		t.Errorf("a write: err = %v, want an unknown outcome", err)
	}
	_, err = db.Exec(ctx, `SELECT `+die)
	if errors.Is(err, store.ErrOutcomeUnknown) || !errors.Is(err, idp.Unavailable) || !strings.Contains(err.Error(), "57P01") {
		t.Errorf("a read: err = %v, want unavailable and the server's words", err)
	}
}

func TestACommitWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	address := storetest.PostgresURL(t)
	scratch(t, storetest.Open(t, address))
	db := storetest.Open(t, cutAtCommit(t, address))
	runs := 0
	err := db.InTx(t.Context(), func(tx *store.Tx) error {
		runs++
		return add(t.Context(), tx.Queries, 1)
	})
	if !errors.Is(err, store.ErrOutcomeUnknown) || !errors.Is(err, idp.Unavailable) || runs != 1 {
		t.Errorf("runs = %d, err = %v; want 1, an unknown outcome", runs, err)
	}
}

// cutAtCommit returns the address of a proxy that lets a COMMIT through and drops the answer.
func cutAtCommit(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	network, server := "tcp", u.Host
	if folder := u.Query().Get("host"); folder != "" {
		network, server = "unix", folder+"/.s.PGSQL.5432"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial(network, server)
			if err != nil {
				_ = client.Close()
				return
			}
			go relay(client, upstream)
		}
	}()
	query := u.Query()
	user := query.Get("user")
	query.Del("host")
	query.Set("sslmode", "disable")
	u.RawQuery, u.Host = query.Encode(), listener.Addr().String()
	if u.User == nil {
		u.User = url.User(user)
	}
	return u.String()
}

func relay(client, server net.Conn) {
	defer func() { _, _ = client.Close(), server.Close() }()
	go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		commit := bytes.Contains(buffer[:n], []byte("commit"))
		if commit {
			_ = client.Close()
		}
		if _, err := server.Write(buffer[:n]); err != nil || commit {
			return
		}
	}
}
