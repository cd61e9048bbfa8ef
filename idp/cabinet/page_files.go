package cabinet

import "embed"

// Files are the templates and the texts of the pages of this face, for web.Options.
//
//go:embed templates texts
var Files embed.FS
