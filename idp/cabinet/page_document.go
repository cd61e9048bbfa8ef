package cabinet

import (
	"io/fs"
	"slices"
	"strings"
	"time"

	"propusk/idp/web"
)

// The versions of the texts in force, as dates. A registration records them: pressing its button accepts exactly these.
const (
	TermsVersion   = "2026-11-24"
	PrivacyVersion = "2026-11-24"
)

// DocumentName is one of the long texts of H8; its path is /{name}.
type DocumentName string

// The texts.
const (
	Help          DocumentName = "help"
	Accessibility DocumentName = "accessibility"
	Privacy       DocumentName = "privacy"
	Terms         DocumentName = "terms"
)

// DocumentPage is H8. Former versions are kept under ?version=, since registrations name them.
type DocumentPage struct {
	web.Frame
	Name    DocumentName
	Version string // one of DocumentVersions; empty: the newest
}

var documentHeadings = map[DocumentName]string{
	Help: "document.help", Accessibility: "document.accessibility", Privacy: "document.privacy", Terms: "document.terms",
}

// DocumentVersions lists the versions of a text, the newest first; none for a name that there is not.
func DocumentVersions(name DocumentName) []string {
	files, err := fs.Glob(Files, "texts/documents/"+string(name)+".*.ru.txt")
	if err != nil {
		return nil
	}
	var all []string
	for _, f := range files {
		all = append(all, strings.Split(f, ".")[1])
	}
	slices.Sort(all)
	slices.Reverse(all)
	return all
}

// Look names the page.
func (p DocumentPage) Look() web.Look {
	return web.Look{Template: "document", Step: string(p.Name), Heading: web.Say(documentHeadings[p.Name]), Wide: true}
}

func (p DocumentPage) version() string {
	if p.Version != "" {
		return p.Version
	}
	return DocumentVersions(p.Name)[0]
}

// Blocks are the paragraphs of the text. A version that there is not is an error.
func (p DocumentPage) Blocks() ([]web.Block, error) {
	source, err := fs.ReadFile(Files, "texts/documents/"+string(p.Name)+"."+p.version()+"."+string(p.Lang)+".txt")
	if err != nil {
		return nil, err
	}
	return web.Prose(string(source), web.Args{
		"brand": p.Brand(), "host": p.SiteHost(), "terms": "/terms", "privacy": "/privacy", "help": "/help", "accessibility": "/accessibility",
		"cabinet": "/cabinet", "permissions": "/cabinet/permissions", "sessions": "/cabinet/sessions", "signup": "/signup",
	})
}

// Dated is the day of the version.
func (p DocumentPage) Dated() (web.Text, error) {
	day, err := time.Parse(time.DateOnly, p.version())
	if err != nil {
		return web.Text{}, err
	}
	return web.Text{Key: "document.dated", Args: web.Args{"day": p.Day(day.Add(12 * time.Hour).Unix())}}, nil
}

// Former are the other versions.
func (p DocumentPage) Former() []string {
	return slices.DeleteFunc(DocumentVersions(p.Name), func(v string) bool { return v == p.version() })
}
