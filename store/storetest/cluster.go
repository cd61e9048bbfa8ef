package storetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// cluster is run by a shell. It keeps a server for as long as its standard input is open, which is as long as the test
// process lives, whatever ends that; then it stops the server and removes the folder.
const cluster = `
bin=$1 dir=$2 fsync=$3
exec >"$dir/log" 2>&1
if "$bin/initdb" -D "$dir/data" -U postgres -E UTF8 --no-locale --auth=trust --no-sync </dev/null
then
	"$bin/postgres" -D "$dir/data" -k "$dir" -h '' -c fsync=$fsync -c synchronous_commit=$fsync -c full_page_writes=$fsync \
		-c max_connections=300 -c log_min_messages=fatal &
	server=$!
else
	touch "$dir/failed"
fi
cat >/dev/null
test -n "$server" && kill -QUIT $server && wait $server
rm -rf "$dir"
`

// held is the end of the pipe that keeps the server running: it is closed by the system when this process ends.
var held *os.File

// startCluster makes a cluster in a temporary folder, reachable through a socket in it, and returns its address.
// Durability is off unless TEST_POSTGRES_FSYNC=on, which a benchmark of commits wants.
func startCluster() (string, error) {
	bin, err := serverPrograms()
	if err != nil {
		return "", err
	}
	dir, err := socketFolder()
	if err != nil {
		return "", err
	}
	fsync := "off"
	if os.Getenv("TEST_POSTGRES_FSYNC") == "on" {
		fsync = "on"
	}
	cmd := exec.Command("/bin/sh", "-c", cluster, "sh", bin, dir, fsync)
	cmd.Dir = dir
	if err := asServerUser(cmd, dir); err != nil {
		_ = os.RemoveAll(dir)
		return "", err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return "", err
	}
	cmd.Stdin, held = read, write
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start PostgreSQL: %w", err)
	}
	_ = read.Close()
	u := url.URL{Scheme: "postgres", Path: "/postgres", RawQuery: url.Values{"host": {dir}, "user": {"postgres"}}.Encode()}
	return u.String(), await(u.String(), dir)
}

// await waits until the server answers.
func await(address, dir string) error {
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		conn, err := pgx.Connect(ctx, address)
		if err == nil {
			err = conn.Close(ctx)
			cancel()
			return err
		}
		cancel()
		_, running := os.Stat(filepath.Join(dir, "failed"))
		if running == nil || time.Now().After(deadline) {
			text, _ := os.ReadFile(filepath.Join(dir, "log"))
			return fmt.Errorf("PostgreSQL does not start: %w\n%s", err, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// serverPrograms finds the folder of initdb and postgres: in PATH, or where Debian puts the newest.
func serverPrograms() (string, error) {
	places, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // sorted: the newest is last
	if found, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(found); err == nil {
			places = append(places, filepath.Dir(real))
		}
	}
	for i := len(places) - 1; i >= 0; i-- {
		_, noInit := os.Stat(filepath.Join(places[i], "initdb"))
		_, noServer := os.Stat(filepath.Join(places[i], "postgres"))
		if noInit == nil && noServer == nil {
			return places[i], nil
		}
	}
	return "", fmt.Errorf("%w: TEST_POSTGRES is not set and the programs initdb and postgres are not here", errNoServer)
}

// socketFolder makes the cluster's folder where the path of a Unix socket, 107 bytes at most, has room.
func socketFolder() (string, error) {
	place := os.TempDir()
	if len(place) > 60 {
		place = "/tmp"
	}
	return os.MkdirTemp(place, "propusk-pg-")
}
