package storetest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"propusk/store"
	"propusk/store/storetest"
)

func TestEachDatabaseIsFreshAndMigrated(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		current, wanted, err := db.SchemaState(t.Context())
		if err != nil || current != wanted || wanted == 0 {
			t.Errorf("schema = %d, %v; want %d", current, err, wanted)
		}
	})
}

// A test process that is killed has no time to stop its server: it must not outlive the process all the same.
func TestTheClusterEndsWithAProcessThatIsKilled(t *testing.T) {
	if folder := os.Getenv("STORETEST_VICTIM"); folder != "" {
		storetest.Postgres(t)
		if err := os.WriteFile(filepath.Join(folder, "up"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // until killed
	}
	if os.Getenv("TEST_POSTGRES") != "" {
		t.Skip("the server is not ours")
	}
	storetest.PostgresURL(t) // skips where there is no server
	folder := t.TempDir()
	place, err := os.MkdirTemp("/tmp", "victim-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(place) }()
	if err := os.Chmod(place, 0o777); err != nil {
		t.Fatal(err)
	}
	victim := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	victim.Env = append(os.Environ(), "STORETEST_VICTIM="+folder, "TMPDIR="+place)
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the victim's server is up", func() bool { _, err := os.Stat(filepath.Join(folder, "up")); return err == nil })
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // says that it was killed
	await(t, "the server is gone and its folder with it", func() bool {
		left, _ := filepath.Glob(filepath.Join(place, "propusk-pg-*"))
		return len(left) == 0
	})
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after 30 s it is still not so that %s", what)
		}
	}
}
