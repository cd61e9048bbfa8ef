// Package stand is the /dev paths of `idp dev`: pages and JSON for integrators and tests. It is mounted by `idp dev` alone.
package stand

import "embed"

// Files are the templates and the texts of the pages of the stand, for web.Options.
//
//go:embed templates texts
var Files embed.FS
