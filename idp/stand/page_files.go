package stand

import "embed"

// Files are the templates and the texts of the pages of the stand, for web.Options.
//
//go:embed templates texts
var Files embed.FS
