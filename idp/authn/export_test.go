package authn

import "testing"

// CheapHashes makes the passwords of a test cost nothing; tests that use it do not run beside others.
func CheapHashes(tb testing.TB) {
	params, dummy := current, decoy
	current = hashParams{time: 1, memory: 8, lanes: 1}
	decoy.params = current
	tb.Cleanup(func() { current, decoy = params, dummy })
}

// HashMemory changes one parameter of new hashes, after CheapHashes.
func HashMemory(kib uint32) { current.memory = kib }
