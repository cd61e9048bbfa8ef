package idp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// ranks is the order of STYLE.md, 2: a package imports those of smaller ranks, never its neighbours, never to its right.
var ranks = [][]string{
	{"propusk/idp"},
	{"propusk/keys"},
	{"propusk/store", "propusk/idp/notify"},
	{"propusk/idp/authn"},
	{"propusk/idp/account"},
	{"propusk/idp/verify", "propusk/idp/grant", "propusk/idp/web"},
	{"propusk/idp/oidc", "propusk/idp/esia", "propusk/idp/cabinet", "propusk/idp/centre", "propusk/idp/admin", "propusk/idp/stand"},
	{"propusk/idp/server"},
	{"propusk/cmd", "propusk/idp/idptest"},
}

// alone import none of ours: they know protocols only.
var alone = []string{"propusk/relyingparty", "propusk/standin"}

// forTests are what only tests import; they may import the package that they serve.
var forTests = []string{"propusk/store/storetest", "propusk/idp/web/webtest", "propusk/idp/idptest"}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "propusk/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func within(path, parent string) bool { return path == parent || strings.HasPrefix(path, parent+"/") }

// rank places a package by the longest entry that it is or lies in; -1: it has no place.
func rank(path string) (place int, unit string) {
	place = -1
	for i, units := range ranks {
		for _, u := range units {
			if len(u) > len(unit) && (path == u || u != "propusk/idp" && within(path, u)) {
				place, unit = i, u
			}
		}
	}
	return place, unit
}

func TestEveryImportPointsToTheLeft(t *testing.T) {
	for _, p := range packages(t) {
		lone := slices.ContainsFunc(alone, func(a string) bool { return within(p.ImportPath, a) })
		place, unit := rank(p.ImportPath)
		if place < 0 && !lone && !slices.Contains(forTests, p.ImportPath) {
			t.Errorf("%s has no place in the map of STYLE.md, 2", p.ImportPath)
		}
		for _, to := range p.Imports {
			if !within(to, "propusk") || slices.Contains(forTests, p.ImportPath) {
				continue
			}
			toPlace, toUnit := rank(to)
			toLone := slices.ContainsFunc(alone, func(a string) bool { return within(to, a) })
			switch {
			case slices.Contains(forTests, to):
				t.Errorf("%s imports %s, which is for tests", p.ImportPath, to)
			case lone:
				if !slices.ContainsFunc(alone, func(a string) bool { return within(p.ImportPath, a) && within(to, a) }) {
					t.Errorf("%s imports %s; it knows protocols only", p.ImportPath, to)
				}
			case toLone:
				// what only speaks protocols may be mounted by the edge
				if place < 6 {
					t.Errorf("%s imports %s", p.ImportPath, to)
				}
			case unit == toUnit:
			case toPlace >= place:
				t.Errorf("%s (rank %d) imports %s (rank %d)", p.ImportPath, place, to, toPlace)
			}
		}
	}
}

func TestTheWordsImportNothingOfOursAndLittleElse(t *testing.T) {
	for _, p := range packages(t) {
		for _, to := range p.Imports {
			switch {
			case p.ImportPath == "propusk/idp" && strings.Contains(to, ".") && !within(to, "golang.org/x") && !within(to, "github.com/nyaruka/phonenumbers"),
				p.ImportPath == "propusk/idp" && within(to, "propusk"):
				t.Errorf("idp imports %s", to)
			case within(to, "github.com/zitadel/oidc/v3/pkg/op") && p.ImportPath != "propusk/idp/oidc":
				t.Errorf("%s imports the server side of the OpenID library", p.ImportPath)
			case (to == "database/sql" || within(to, "github.com/jackc/pgx") || within(to, "modernc.org/sqlite")) && !within(p.ImportPath, "propusk/store"):
				t.Errorf("%s imports %s: every statement is store's", p.ImportPath, to)
			}
		}
	}
}
