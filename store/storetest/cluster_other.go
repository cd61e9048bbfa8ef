//go:build !unix

package storetest

import (
	"fmt"
	"os/exec"
)

func asServerUser(*exec.Cmd, string) error {
	return fmt.Errorf("%w: set TEST_POSTGRES; a temporary server is made on Unix only", errNoServer)
}
