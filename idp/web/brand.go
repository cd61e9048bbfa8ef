package web

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Brand is how an installation calls itself and looks (DESIGN.md 1.1). An empty member means the default.
type Brand struct {
	Name          string // in Russian, never declined: IDP_BRAND_NAME
	NameEN        string // IDP_BRAND_NAME_EN
	SignFile      string // an SVG, shown by <img> and never inlined: IDP_BRAND_SIGN_FILE
	Colour        string // #RRGGBB: IDP_BRAND_COLOR
	ColourCentre  string // IDP_BRAND_COLOR_CENTRE
	ColourSystems string // IDP_BRAND_COLOR_SYSTEMS
	HelpPhone     string // IDP_HELP_PHONE; empty: none is shown
	HelpURL       string // IDP_HELP_URL; empty: our /help
	TimeZone      string // IDP_TIME_ZONE, a name of the tz database
}

const (
	defaultColour     = "#0F5C4D"
	defaultColourDark = "#0A4439"
	defaultCentre     = "#6B2D5C"
	defaultSystems    = "#2B4A6F"
	white             = "#FFFFFF"
	ground            = "#F6F5F1"
	leastContrast     = 4.5 // WCAG 2.2, 1.4.3
)

// withDefaults fills the empty members.
func (b Brand) withDefaults() Brand {
	fill := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	fill(&b.Name, "Пропуск")
	fill(&b.NameEN, "Propusk")
	fill(&b.Colour, defaultColour)
	fill(&b.ColourCentre, defaultCentre)
	fill(&b.ColourSystems, defaultSystems)
	fill(&b.HelpURL, "/help")
	fill(&b.TimeZone, "Europe/Moscow")
	return b
}

// Check tells which colours cannot be read against white or the ground. The error names the setting, the ratio and the
// nearest darker shade that passes.
func (b Brand) Check() error {
	b = b.withDefaults()
	for _, c := range []struct{ setting, value string }{
		{"IDP_BRAND_COLOR", b.Colour}, {"IDP_BRAND_COLOR_CENTRE", b.ColourCentre}, {"IDP_BRAND_COLOR_SYSTEMS", b.ColourSystems},
	} {
		rgb, err := parseColour(c.value)
		if err != nil {
			return fmt.Errorf("%s: %w", c.setting, err)
		}
		for _, under := range []struct{ name, value string }{{"white", white}, {"the ground " + ground, ground}} {
			other, _ := parseColour(under.value)
			if ratio := contrast(rgb, other); ratio < leastContrast {
				return fmt.Errorf("%s: %s has a contrast of %.2f:1 against %s, at least %.1f:1 is needed; the nearest darker shade that passes is %s",
					c.setting, c.value, math.Floor(ratio*100)/100, under.name, leastContrast, nearestDarker(rgb))
			}
		}
	}
	if b.HelpURL != "/help" && !strings.HasPrefix(b.HelpURL, "https://") && !strings.HasPrefix(b.HelpURL, "http://") {
		return fmt.Errorf("IDP_HELP_URL: %q is no http address", b.HelpURL)
	}
	return nil
}

type colour [3]uint8

var colourShape = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

func parseColour(s string) (c colour, err error) {
	if !colourShape.MatchString(s) {
		return c, fmt.Errorf("%q is no colour: write it as %s", s, defaultColour)
	}
	for i := range c {
		n, _ := strconv.ParseUint(s[1+2*i:3+2*i], 16, 8)
		c[i] = uint8(n)
	}
	return c, nil
}

func (c colour) String() string { return fmt.Sprintf("#%02X%02X%02X", c[0], c[1], c[2]) }

// scaled keeps the hue and takes n parts of 1000 of the light.
func (c colour) scaled(n int) colour {
	return colour{uint8(int(c[0]) * n / 1000), uint8(int(c[1]) * n / 1000), uint8(int(c[2]) * n / 1000)}
}

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

// contrast is the contrast ratio of WCAG 2.2, 1 to 21.
func contrast(a, b colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// nearestDarker is the lightest shade of the same hue that passes on white and on the ground.
func nearestDarker(c colour) colour {
	light, _ := parseColour(ground)
	for n := 1000; n > 0; n-- {
		if shade := c.scaled(n); contrast(shade, light) >= leastContrast {
			return shade
		}
	}
	return colour{}
}

// hover is the shade of a button under the pointer.
func hover(c colour) colour {
	if c.String() == defaultColour {
		dark, _ := parseColour(defaultColourDark)
		return dark
	}
	return c.scaled(740)
}
