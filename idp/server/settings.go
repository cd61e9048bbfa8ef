package server

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/notify"
	"propusk/idp/web"
	"propusk/keys"
)

// Settings are those of `idp serve` (CONTRACT.md section 3). Only the issuer, the database and the master key have no usable
// zero value. Stand switches the rest of the program to `idp dev`; no setting does.
type Settings struct {
	Issuer         string // IDP_ISSUER: public URL, https unless its host is loopback
	Listen         string // IDP_LISTEN
	AdminListen    string // IDP_ADMIN_LISTEN: health, metrics, profiling; empty: none
	Database       string // IDP_DATABASE: sqlite:PATH or postgres://...
	Master         *keys.Master
	SMTP           notify.Sender // nil: no e-mail leaves
	SMS            notify.Sender // nil: no SMS leaves
	Proxies        []netip.Prefix
	Brand          web.Brand
	PasswordPolicy authn.Policy
	Limits         authn.Limits
}

// known are the names that this version reads; any other IDP_ name stops the start.
var knownSettings = []string{"IDP_ISSUER", "IDP_LISTEN", "IDP_ADMIN_LISTEN", "IDP_DATABASE", "IDP_MASTER_KEY_FILE", "IDP_SMTP_URL",
	"IDP_SMTP_PASSWORD_FILE", "IDP_SMS_URL", "IDP_SMS_PASSWORD_FILE", "IDP_TRUSTED_PROXIES", "IDP_BRAND_NAME", "IDP_BRAND_NAME_EN",
	"IDP_BRAND_SIGN_FILE", "IDP_BRAND_COLOR", "IDP_BRAND_COLOR_CENTRE", "IDP_BRAND_COLOR_SYSTEMS", "IDP_HELP_PHONE", "IDP_HELP_URL",
	"IDP_TIME_ZONE", "IDP_PASSWORD_POLICY"}

// ReadSettings reads the environment (as of os.Environ) and checks everything at once: each problem names its setting and what
// to do. With names, only those settings are asked for: a command that needs the database alone is content with it.
func ReadSettings(environ []string, names ...string) (Settings, error) {
	e := environment{values: map[string]string{}, only: names}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "IDP_") {
			e.values[name] = value
		}
	}
	e.checkNames()
	s := Settings{Listen: e.or("IDP_LISTEN", "127.0.0.1:8080"), AdminListen: e.or("IDP_ADMIN_LISTEN", "127.0.0.1:8090"), Limits: authn.DefaultLimits,
		Brand: web.Brand{Name: e.values["IDP_BRAND_NAME"], NameEN: e.values["IDP_BRAND_NAME_EN"], SignFile: e.values["IDP_BRAND_SIGN_FILE"],
			Colour: e.values["IDP_BRAND_COLOR"], ColourCentre: e.values["IDP_BRAND_COLOR_CENTRE"], ColourSystems: e.values["IDP_BRAND_COLOR_SYSTEMS"],
			HelpPhone: e.values["IDP_HELP_PHONE"], HelpURL: e.values["IDP_HELP_URL"], TimeZone: e.values["IDP_TIME_ZONE"]}}
	s.Issuer = e.issuer()
	s.Database = e.database()
	s.Master = e.master()
	e.senders(&s)
	s.Proxies = e.proxies()
	var err error
	if s.PasswordPolicy, err = authn.ParsePolicy(e.values["IDP_PASSWORD_POLICY"]); err != nil {
		e.wrong("IDP_PASSWORD_POLICY", "state or length")
	}
	if err := s.Brand.Check(); err != nil {
		e.problems = append(e.problems, err)
	}
	return s, errors.Join(e.problems...)
}

type environment struct {
	values   map[string]string
	only     []string // empty: all
	problems []error
}

func (e *environment) or(name, fallback string) string {
	if v := e.values[name]; v != "" {
		return v
	}
	return fallback
}

func (e *environment) wrong(name, what string) {
	if len(e.only) > 0 && !slices.Contains(e.only, name) {
		return
	}
	e.problems = append(e.problems, fmt.Errorf("%s: %s", name, what))
}

func (e *environment) checkNames() {
	for name := range e.values {
		if !slices.Contains(knownSettings, name) {
			e.wrong(name, "is not a setting of this version; the README lists them")
		}
	}
}

func (e *environment) issuer() string {
	v := e.values["IDP_ISSUER"]
	if v == "" {
		e.wrong("IDP_ISSUER", "is missing: the public URL of the provider, as https://id.example.ru")
		return ""
	}
	if err := CheckIssuer(v); err != nil {
		e.wrong("IDP_ISSUER", err.Error())
	}
	return v
}

// CheckIssuer refuses an issuer that cannot be one (OpenID Connect Discovery 1.0, 3).
func CheckIssuer(v string) error {
	u, err := url.Parse(v)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("%q is not an absolute URL without query", v)
	case u.Path != "":
		return fmt.Errorf("%q: take the path and the last slash away, the provider has a host of its own", v)
	case u.Scheme == "https", u.Scheme == "http" && idp.Loopback(u.Host):
		return nil
	}
	return fmt.Errorf("%q must begin with https://; http is for this machine alone", v)
}

func (e *environment) database() string {
	v := e.values["IDP_DATABASE"]
	if v == "" {
		e.wrong("IDP_DATABASE", "is missing: sqlite:PATH or postgres://user@host/name")
	}
	return v
}

func (e *environment) master() *keys.Master {
	const name = "IDP_MASTER_KEY_FILE"
	text, ok := e.file(name)
	if !ok {
		if e.values[name] == "" {
			e.wrong(name, "is missing: a file with 32 random bytes in base64, as `openssl rand -base64 32` makes")
		}
		return nil
	}
	m, err := keys.ParseMaster(text)
	if err != nil {
		e.wrong(name, err.Error())
	}
	return m
}

// file reads a secret; secrets come as file names, so that no list of processes or dump of an environment shows them.
func (e *environment) file(name string) ([]byte, bool) {
	path := e.values[name]
	if path == "" {
		return nil, false
	}
	text, err := os.ReadFile(path)
	if err != nil {
		e.wrong(name, "the file cannot be read: "+err.Error())
		return nil, false
	}
	return text, true
}

func (e *environment) senders(s *Settings) {
	if v := e.values["IDP_SMTP_URL"]; v != "" {
		password, _ := e.file("IDP_SMTP_PASSWORD_FILE")
		sender, err := notify.ParseSMTP(v, strings.TrimSpace(string(password)), "")
		if err != nil {
			e.problems = append(e.problems, err)
		} else {
			s.SMTP = sender
		}
	}
	if v := e.values["IDP_SMS_URL"]; v != "" {
		password, _ := e.file("IDP_SMS_PASSWORD_FILE")
		sender, err := notify.ParseSMS(v, strings.TrimSpace(string(password)))
		if err != nil {
			e.problems = append(e.problems, err)
		} else {
			s.SMS = sender
		}
	}
}

func (e *environment) proxies() []netip.Prefix {
	var out []netip.Prefix
	for _, word := range strings.FieldsFunc(e.values["IDP_TRUSTED_PROXIES"], func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(word)
		if err != nil {
			if a, addrErr := netip.ParseAddr(word); addrErr == nil {
				p, err = netip.PrefixFrom(a, a.BitLen()), nil
			}
		}
		if err != nil {
			e.wrong("IDP_TRUSTED_PROXIES", "each entry is an address or a network, as 10.0.0.0/8; "+fmt.Sprintf("%q is not", word))
			continue
		}
		out = append(out, p)
	}
	return out
}
