package web

import (
	"strings"

	"propusk/idp"
)

// marks of browsers and systems in a User-Agent, the telling one first: Chrome names Safari, Edge and Yandex name Chrome.
var (
	browserMarks = [][2]string{
		{"YaBrowser/", "Яндекс Браузер"}, {"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"},
		{"Safari/", "Safari"}, {"curl/", "curl"}, {"Go-http-client/", "Go"}, {"python-requests/", "Python"}, {"PostmanRuntime/", "Postman"},
	}
	systemMarks = [][2]string{
		{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"CrOS", "ChromeOS"},
		{"Mac OS X", "macOS"}, {"Linux", "Linux"},
	}
)

// Agent tells a device by its User-Agent in the words of a page: «Chrome, Windows». Nothing of the header itself is printed.
func Agent(userAgent string, lang idp.Language) string {
	browser, system := firstMark(userAgent, browserMarks), firstMark(userAgent, systemMarks)
	if browser == "Яндекс Браузер" && lang == idp.English {
		browser = "Yandex Browser"
	}
	switch {
	case browser != "" && system != "":
		return browser + ", " + system
	case browser+system != "":
		return browser + system
	case lang == idp.English:
		return "unknown device"
	}
	return "неизвестное устройство"
}

func firstMark(userAgent string, marks [][2]string) string {
	for _, m := range marks {
		if strings.Contains(userAgent, m[0]) {
			return m[1]
		}
	}
	return ""
}
