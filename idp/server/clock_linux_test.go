package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// ownTime is the processor time of this process.
func ownTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processTime is the processor time of another process, to the nanosecond: the sum over its threads.
func processTime(tb testing.TB, pid int) time.Duration {
	tb.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	check(tb, err)
	var sum time.Duration
	for _, path := range threads {
		text, err := os.ReadFile(path)
		check(tb, err)
		var ran int64
		if _, err := fmt.Sscan(string(text), &ran); err != nil {
			tb.Fatal(err)
		}
		sum += time.Duration(ran)
	}
	return sum
}
