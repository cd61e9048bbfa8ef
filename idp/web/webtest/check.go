package webtest

import (
	"testing"

	"propusk/idp/web"
)

// Check holds the shots to the rules of DESIGN.md that need no browser.
func Check(t *testing.T, site *web.Site, shots []Shot) {}

// Browse holds the shots to the rules that need one.
func Browse(t *testing.T, site *web.Site, shots []Shot) {}
