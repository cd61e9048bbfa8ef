package web

import (
	"fmt"
	"html/template"
	"time"

	"propusk/idp"
)

var russianMonths = [...]string{"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"}

// Clock is a time as people read it (DESIGN.md 2.8): 14:35 мск; beyond today with its date, beyond this year with its year.
// The script rewrites the element to the visitor's zone.
func (f Frame) Clock(at int64) template.HTML { return f.element(at, "t", f.ClockText(at)) }

// Moment is Clock with the date always: 22 ноября, 14:30 мск.
func (f Frame) Moment(at int64) template.HTML {
	t, now := f.local(at), f.local(f.Now)
	return f.element(at, "d", dated(f.Lang, t, t.Year() != now.Year())+", "+t.Format("15:04")+" "+zoneMark(f.Lang, t))
}

// ClockText is Clock without the element, for sentences that stand twice on a page.
func (f Frame) ClockText(at int64) string {
	t, now := f.local(at), f.local(f.Now)
	clock := t.Format("15:04") + " " + zoneMark(f.Lang, t)
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return clock
	}
	return dated(f.Lang, t, t.Year() != now.Year()) + ", " + clock
}

// ClockSeconds is a time of today to the second, 14:31:30 мск.
func (f Frame) ClockSeconds(at int64) template.HTML {
	t := f.local(at)
	return f.element(at, "s", t.Format("15:04:05")+" "+zoneMark(f.Lang, t))
}

// Day is a date without a time, 22 ноября 2027.
func (f Frame) Day(at int64) template.HTML {
	t := f.local(at)
	return template.HTML(`<time datetime="` + t.Format(time.DateOnly) + `">` + dated(f.Lang, t, true) + `</time>`)
}

// Left is how long it is until a time, as 0:40; never below 0:00.
func (f Frame) Left(at int64) string { return Left(at - f.Now) }

// Left writes seconds as minutes and seconds, 4:12.
func Left(seconds int64) string {
	seconds = max(seconds, 0)
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

func (f Frame) local(at int64) time.Time { return time.Unix(at, 0).In(f.site.zone) }

// element carries what the script shows: the time (t), its seconds (s), its date always (d).
func (f Frame) element(at int64, kind, text string) template.HTML {
	return template.HTML(`<time data-local="` + kind + `" datetime="` + f.local(at).Format(time.RFC3339) + `">` + template.HTMLEscapeString(text) + `</time>`)
}

func dated(lang idp.Language, t time.Time, year bool) string {
	month := t.Month().String()
	if lang == idp.Russian {
		month = russianMonths[t.Month()-1]
	}
	if year {
		return fmt.Sprintf("%d %s %d", t.Day(), month, t.Year())
	}
	return fmt.Sprintf("%d %s", t.Day(), month)
}

// zoneMark names the zone of the server's times: мск, else the offset.
func zoneMark(lang idp.Language, t time.Time) string {
	name, offset := t.Zone()
	switch {
	case name == "MSK" && lang == idp.Russian:
		return "мск"
	case name == "MSK" || name == "UTC":
		return name
	case offset%3600 == 0:
		return fmt.Sprintf("UTC%+d", offset/3600)
	}
	return fmt.Sprintf("UTC%+d:%02d", offset/3600, max(offset%3600, -(offset%3600))/60)
}
