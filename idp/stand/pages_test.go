package stand

import (
	"io/fs"
	"testing"

	"propusk/idp"
	"propusk/idp/web"
	"propusk/idp/web/webtest"
)

const now = webtest.Now

func pageShots(t *testing.T) (*web.Site, []webtest.Shot) {
	site := webtest.Site(t, web.Options{Stand: true, Faces: []fs.FS{Files}})
	return site, webtest.Render(t, site, []webtest.State{
		{Name: "S1", Page: dev},
		{Name: "S1-empty", Page: func(f web.Frame) web.Page { return DevPage{Frame: f} }},
		{Name: "S2", Page: requests},
		{Name: "S2-none", Page: func(f web.Frame) web.Page { return RequestsPage{Frame: f} }},
		{Name: "S2-unknown", Page: func(f web.Frame) web.Page { return RequestsPage{Frame: f, Reference: "E7K2-41QD"} }},
	})
}

func dev(f web.Frame) web.Page {
	return DevPage{
		Frame: f,
		Citizens: []CitizenRow{
			{Name: "Иванов Иван Иванович", Phone: "+79123456789", Email: "ivan@example.ru", SNILS: "112-233-445 95", Password: "Lesnaya-7-tropa", Tier: idp.Confirmed, TierMethod: "centre", SecondFactor: idp.SMSFactor, Note: "Обычный вход с кодом из СМС."},
			{Name: "Ли Анна", Email: "anna@example.ru", Password: "Lesnaya-7-tropa", Locked: true, Tier: idp.Simplified, SecondFactor: idp.TOTPFactor, TOTPSecret: "JBSWY3DPEHPK3PXP"},
			{Name: "Петров Пётр Петрович", Phone: "+79123456780", Password: "Lesnaya-7-tropa", Tier: idp.Standard, SecondFactor: idp.NoFactor},
		},
		Messages: []MessageRow{
			{"2", "email", "ivan@example.ru", "Подтвердите почту", "Вы указали этот адрес, когда создавали учётную запись «Пропуск».\n\nОткройте ссылку, чтобы продолжить:\nhttps://id.example.ru/confirm/abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "482913", "https://id.example.ru/confirm/abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", now - 60},
			{"1", "sms", "+79123456789", "", "482913 — код входа. Никому его не называйте.\n@id.example.ru #482913", "482913", "", now - 120},
			{"0", "letter", "Иванов Иван Иванович", "", "Код: 7KQ4-M2XD", "7KQ4-M2XD", "", now - 86400},
		},
		Newest: "2",
		Systems: []SystemRow{
			{"portal", "Портал обращений (образец)", "http://localhost:8081/", []string{"http://localhost:8081/callback"}, "openid profile email phone"},
		},
		Addresses: []Address{
			{AddressIssuer, "http://localhost:8080"}, {AddressDiscovery, "http://localhost:8080/.well-known/openid-configuration"},
			{AddressPortal, "http://localhost:8081"}, {AddressOutbox, "http://localhost:8080/dev/outbox"}, {AddressCitizens, "http://localhost:8080/dev/citizens"},
		},
		Commands: []string{"curl http://localhost:8080/dev/outbox?wait=10s"},
	}
}

func requests(f web.Frame) web.Page {
	return RequestsPage{Frame: f, Requests: []RequestRow{{
		At: now - 30, Endpoint: "GET /authorize", Client: "portal", Parameter: "redirect_uri", Came: "http://localhost:8081/calback",
		Expected: "один из зарегистрированных адресов, знак в знак", Nearest: "http://localhost:8081/callback", Mend: "Исправьте адрес в запросе.",
		DocsURL: "/docs/errors/redirect_uri_mismatch", Reference: "E7K2-41QD",
	}}}
}

func TestPagesMatchTheGalleryAndTheRules(t *testing.T) {
	site, shots := pageShots(t)
	webtest.Golden(t, site, "../../testdata/pages", shots)
	webtest.Check(t, site, shots)
}

func TestPagesAreAccessibleInABrowser(t *testing.T) {
	site, shots := pageShots(t)
	webtest.Browse(t, site, shots)
}
