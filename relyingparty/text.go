package relyingparty

import (
	"cmp"
	_ "embed" // for texts.json
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed texts.json
var textsJSON []byte

// texts is the catalogue: each key has its Russian and its English text.
var texts = func() map[string][2]string {
	var all map[string][2]string
	if err := json.Unmarshal(textsJSON, &all); err != nil {
		panic("relyingparty: texts.json: " + err.Error())
	}
	return all
}()

// language is the index of a text in its pair.
type language int

const (
	russian language = iota
	english
)

var languageTags = [2]string{"ru", "en"}

func (l language) tag() string     { return languageTags[l] }
func (l language) other() language { return 1 - l }

// text returns the text of a key with its placeholders filled. A key that is not in the catalogue is shown as it is; a
// test holds that there is none.
func (l language) text(key string, args ...any) string {
	pair, ok := texts[key]
	if !ok {
		return key
	}
	if len(args) == 0 {
		return pair[l]
	}
	return fmt.Sprintf(pair[l], args...)
}

// parseLanguage reads the two tags the site has.
func parseLanguage(tag string) (language, bool) {
	index := slices.Index(languageTags[:], tag)
	return language(max(index, 0)), index >= 0
}

const languageCookie = "_lang"

// language is that of the header link just pressed, of the earlier choice, or of the browser; Russian otherwise.
func (s *site) language(r *http.Request) language {
	if chosen, ok := parseLanguage(r.URL.Query().Get("lang")); ok {
		return chosen
	}
	if chosen, ok := parseLanguage(s.client.cookie(r, languageCookie)); ok {
		return chosen
	}
	return accepted(r.Header.Get("Accept-Language"))
}

// accepted picks the language of the highest weight (RFC 9110, 12.5.4), the first of equals, Russian if neither is there.
func accepted(header string) language {
	best, weight := russian, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, q, _ := strings.Cut(part, ";")
		tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		l, ok := parseLanguage(tag)
		if !ok {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(cmp.Or(q, "q=1")), "q="), 64)
		if err == nil && value > weight && value <= 1 {
			best, weight = l, value
		}
	}
	return best
}

// moment is a time for people, in Moscow: «22 ноября, 14:30 мск», with the year if it is another one than now.
func (l language) moment(t, now time.Time) string {
	t, now = t.In(moscow), now.In(moscow)
	month := strings.Fields(l.text("time.months"))[t.Month()-1]
	var year string
	if t.Year() != now.Year() {
		year = " " + strconv.Itoa(t.Year())
	}
	return fmt.Sprintf("%d %s%s, %s %s", t.Day(), month, year, t.Format("15:04"), l.text("time.zone"))
}

// moscow is a fixed zone: the site must show the same time on a machine without a zone database.
var moscow = time.FixedZone("MSK", 3*60*60)

// tier names a tier in words.
func (l language) tier(tier Tier) string { return l.text("tier." + string(tier)) }

// atLeast names the levels that are enough.
func (l language) atLeast(tier Tier) string {
	if tier == Confirmed {
		return l.tier(tier)
	}
	return l.text("tier.or-higher", l.tier(tier))
}

// level names tier and factor in words.
func (l language) level(acr ACR) string {
	if acr.Factor == AnyFactor {
		return l.tier(acr.Tier)
	}
	return l.text("factor."+string(acr.Factor), l.tier(acr.Tier))
}
