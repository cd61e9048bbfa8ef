package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// assets are the files that pages load, under names that change with their content.
type assets struct {
	style, script, sign, post string // paths
	files                     map[string]asset
}

type asset struct {
	kind    string
	content []byte
	forever bool // the name has a hash
	foreign bool // portals load it too
}

const (
	kindStyle  = "text/css; charset=utf-8"
	kindScript = "text/javascript; charset=utf-8"
	kindImage  = "image/svg+xml"
)

func newAssets(b Brand) (assets, error) {
	a := assets{files: map[string]asset{}}
	read := func(name string) []byte {
		data, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // embedded: it is there
		}
		return data
	}
	main, err := parseColour(b.Colour)
	if err != nil {
		return a, err
	}
	paint := strings.NewReplacer(defaultColour, b.Colour, defaultColourDark, hover(main).String(), defaultCentre, b.ColourCentre, defaultSystems, b.ColourSystems)
	painted := func(name string) []byte { return []byte(paint.Replace(string(read(name)))) }
	sign := painted("sign.svg")
	if b.SignFile != "" {
		if sign, err = os.ReadFile(b.SignFile); err != nil {
			return a, fmt.Errorf("IDP_BRAND_SIGN_FILE: %w", err)
		}
	}
	a.style = a.add("site", ".css", asset{kind: kindStyle, content: painted("site.css")})
	a.script = a.add("site", ".js", asset{kind: kindScript, content: read("site.js")})
	a.post = a.add("post", ".js", asset{kind: kindScript, content: read("post.js")})
	a.sign = a.add("sign", ".svg", asset{kind: kindImage, content: sign})
	a.files["/favicon.ico"] = asset{kind: kindImage, content: sign}
	a.files["/button.css"] = asset{kind: kindStyle, content: painted("button.css"), foreign: true}
	a.files["/button.svg"] = asset{kind: kindImage, content: read("button.svg"), foreign: true}
	return a, nil
}

// add names a file by its content.
func (a assets) add(name, ext string, f asset) string {
	sum := sha256.Sum256(f.content)
	path := "/assets/" + name + "-" + hex.EncodeToString(sum[:6]) + ext
	f.forever = true
	a.files[path] = f
	return path
}

// Assets serves /assets/…, /favicon.ico, /button.css and /button.svg. It answers 404 to other paths.
func (s *Site) Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := s.assets.files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.kind)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if f.foreign {
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		}
		if f.kind == kindImage { // opened by itself, an SVG is a document: its scripts do not run
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		}
		h.Set("Cache-Control", "public, max-age=3600")
		if f.forever {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		_, _ = w.Write(f.content)
	})
}
