package notify

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf16"

	"propusk/idp"
)

// smsText holds the words of every text message (DESIGN.md 6.1). {day} is 22.11, {clock} 14:30, {date} 22.12.2026, all in the
// zone of the installation. Codes get the line `@host #code` at their end where it fits.
var smsText = map[Kind]map[idp.Language]string{
	SignIn: {
		idp.Russian: "{code} — код входа. Никому его не называйте.",
		idp.English: "{code} is your sign-in code. Do not share it."},
	Registration: {
		idp.Russian: "{code} — код регистрации. Не сообщайте его!",
		idp.English: "{code} is your registration code. Do not share it."},
	Recovery: {
		idp.Russian: "{code} — код смены пароля. Не сообщайте его!",
		idp.English: "{code} is your password reset code. Do not share it."},
	NewContact: {
		idp.Russian: "{code} — код привязки номера. Не сообщайте!",
		idp.English: "{code} is your code to add this number. Do not share it."},
	Confirmation: {
		idp.Russian: "{code} — код подтверждения. Не сообщайте его",
		idp.English: "{code} is your confirmation code. Do not share it."},
	FirstSignIn: {
		idp.Russian: "{code} — код первого входа на {host}/first",
		idp.English: "{code} is your first sign-in code for {host}/first"},
	NewDevice: {
		idp.Russian: "Вход с нового устройства {day} {clock}. Не вы? {host}/stop",
		idp.English: "New device sign-in {day} {clock}. Not you? {host}/stop"},
	PasswordChanged: {
		idp.Russian: "Пароль изменён {day} в {clock}. Не вы? {host}/stop",
		idp.English: "Password changed {day} {clock}. Not you? {host}/stop"},
	ContactChanging: {
		idp.Russian: "Номер для входа меняют. Не вы? Отмените: {host}/stop",
		idp.English: "Your sign-in number is being changed. Not you? {host}/stop"},
	FactorAdded: {
		idp.Russian: "Новый способ входа добавлен. Не вы? {host}/stop",
		idp.English: "A sign-in method was added. Not you? {host}/stop"},
	FactorRemoved: {
		idp.Russian: "Способ входа удалён {day}. Не вы? {host}/stop",
		idp.English: "A sign-in method was removed. Not you? {host}/stop"},
	ChecksFinished: {
		idp.Russian: "Данные проверены, есть результат: {host}/cabinet",
		idp.English: "Your details are checked. See {host}/cabinet"},
	IdentityConfirmed: {
		idp.Russian: "Личность подтверждена {day}. Не вы? {host}/stop",
		idp.English: "Your identity is confirmed {day}. Not you? {host}/stop"},
	TierLowered: {
		idp.Russian: "Уровень учётной записи снижен. Почему: {host}/cabinet",
		idp.English: "Your account level was lowered. Why: {host}/cabinet"},
	AccessRestored: {
		idp.Russian: "Доступ восстановлен в центре. Не вы? {host}/stop",
		idp.English: "Access restored at a centre. Not you? {host}/stop"},
	DeletionBegun: {
		idp.Russian: "Запись удалят {date}. Не вы? {host}/stop",
		idp.English: "Your account will be deleted {date}. Not you? {host}/stop"},
}

// bindsToHost says whether the message ends with the line that binds its code to the site. The first sign-in already names it.
func bindsToHost(k Kind) bool {
	return k != FirstSignIn && strings.Contains(smsText[k][idp.Russian], "{code}")
}

// bindingLine is the last line of a code, by which phones fill it in on our site alone (WICG sms-one-time-codes: last line,
// `@`, the host without scheme and port, a space, `#`, the code). Empty where the host is no domain.
func bindingLine(host, code string) string {
	name := hostname(host)
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || !strings.Contains(name, ".") {
		return ""
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return ""
	}
	return "\n@" + name + " #" + code
}

// hostname takes the port from host and the brackets from an IPv6 address.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// The GSM 7 bit default alphabet and its extension table, whose letters count twice (3GPP TS 23.038, 6.2.1).
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtra = "^{}\\[~]|€\f"
)

// length measures a text message: its letters as the network counts them (septets of GSM-7, or UTF-16 units once one letter is
// outside of it) and the parts it is sent in. One part holds 160 or 70, a part of several 153 or 67.
func length(text string) (letters, segments int) {
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			letters++
		case strings.ContainsRune(gsmExtra, r):
			letters += 2
		default:
			letters = len(utf16.Encode([]rune(text)))
			return letters, parts(letters, 70, 67)
		}
	}
	return letters, parts(letters, 160, 153)
}

func parts(letters, one, many int) int {
	if letters <= one {
		return 1
	}
	return (letters + many - 1) / many
}

// CheckHost tells what the host of the issuer costs in text messages, for `idp doctor`; empty if every text fits one part
// and every code carries its last line.
func CheckHost(host string) []string {
	var found []string
	unbound := bindingLine(host, "000000") == ""
	if unbound {
		found = append(found, fmt.Sprintf("IDP_ISSUER: phones cannot bind a code to %s, so text messages leave out their last line; use a domain name", host))
	}
	for _, k := range sortedKinds() {
		for _, lang := range []idp.Language{idp.Russian, idp.English} {
			m := Message{Kind: k, Channel: SMS, Lang: lang, Code: "000000", At: 1, Until: 1}
			text := smsWords(m, Brand{Issuer: "https://" + host})
			_, n := length(text)
			switch {
			case n > 1:
				found = append(found, fmt.Sprintf("IDP_ISSUER: with %s the text message %s (%s) is sent in %d parts; a shorter host costs less", host, k, lang, n))
			case !unbound && bindsToHost(k) && !strings.Contains(text, "\n@"):
				found = append(found, fmt.Sprintf("IDP_ISSUER: with %s the text message %s (%s) has no room for the line that lets phones fill in the code; use a host of 16 characters or fewer", host, k, lang))
			}
		}
	}
	return found
}

func sortedKinds() []Kind {
	kinds := make([]Kind, 0, len(smsText))
	for k := range smsText {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	return kinds
}
