package notify

import "propusk/idp"

// mailWords is one e-mail: its subject states the fact and holds no code; its paragraphs say what, when, where from, what to
// do, what if it was not you. paragraphs tells how placeholders work; a paragraph that is an address becomes a link.
type mailWords struct {
	subject  string
	body     []string
	stranger bool // the address belongs to no account yet: no footer
}

var mailFooter = map[idp.Language]string{
	idp.Russian: "Вы получили письмо, потому что этот адрес указан в учётной записи «{brand}»",
	idp.English: "You get this because this address belongs to a {brand} account",
}

const (
	deviceRU  = "Устройство: {device}"
	deviceEN  = "Device: {device}"
	notMeRU   = "Это были не вы? Откройте ссылку, чтобы закрыть вход:"
	notMeEN   = "Was it not you? Open the link to close this access:"
	cabinetRU = "Посмотреть в личном кабинете:"
	cabinetEN = "See it in your account:"
)

// wordsOf finds the words of an e-mail or a letter; its body is empty if there are none.
func (m Message) wordsOf() mailWords {
	for _, texts := range []map[Kind]map[idp.Language]mailWords{proofText, noticeText} {
		if w, ok := texts[m.Kind]; ok && m.Channel == Email {
			return w[m.Lang]
		}
	}
	if m.Channel == Letter {
		return letterText[m.Kind][m.Lang]
	}
	return mailWords{}
}

// proofText holds the words of the e-mails that carry a code or a link of proof (DESIGN.md 6.2).
var proofText = map[Kind]map[idp.Language]mailWords{
	Registration: {
		idp.Russian: {subject: "Подтвердите почту", stranger: true, body: []string{
			"Вы указали этот адрес, когда создавали учётную запись «{brand}» {at}.",
			"Откройте ссылку, чтобы продолжить:", "{link}",
			"Или введите код на странице, где начали: {code}",
			"Ссылка и код действуют до {until}. Никому их не пересылайте.",
			"Это были не вы? Ничего делать не нужно: без этого письма запись с вашим адресом не создадут."}},
		idp.English: {subject: "Confirm your email", stranger: true, body: []string{
			"You gave this address when you were creating a {brand} account on {at}.",
			"Open the link to go on:", "{link}",
			"Or enter the code on the page where you began: {code}",
			"The link and the code work until {until}. Do not pass them on to anyone.",
			"Was it not you? There is nothing to do: without this email no account is created with your address."}},
	},
	NewContact: {
		idp.Russian: {subject: "Подтвердите почту", stranger: true, body: []string{
			"Этот адрес добавляют в учётную запись «{brand}». Запрос сделан {at}.", deviceRU,
			"Откройте ссылку, чтобы подтвердить почту:", "{link}",
			"Ссылка действует до {until}. Никому её не пересылайте.",
			"Это были не вы? Ничего делать не нужно: без этого письма адрес не добавят."}},
		idp.English: {subject: "Confirm your email", stranger: true, body: []string{
			"This address is being added to a {brand} account. It was requested on {at}.", deviceEN,
			"Open the link to confirm your email:", "{link}",
			"The link works until {until}. Do not pass it on to anyone.",
			"Was it not you? There is nothing to do: without this email the address is not added."}},
	},
	Recovery: {
		idp.Russian: {subject: "Смена пароля", body: []string{
			"Для вашей учётной записи «{brand}» запрошена смена пароля {at}.", deviceRU,
			"Откройте ссылку, чтобы придумать новый пароль:", "{link}",
			"Или введите код на странице, где начали: {code}",
			"Ссылка и код действуют до {until}. Никому их не пересылайте.",
			"Если это были не вы, пароль останется прежним. Ничего делать не нужно."}},
		idp.English: {subject: "Password reset", body: []string{
			"A password reset was requested for your {brand} account on {at}.", deviceEN,
			"Open the link to create a new password:", "{link}",
			"Or enter the code on the page where you began: {code}",
			"The link and the code work until {until}. Do not pass them on to anyone.",
			"If it was not you, your password stays the same. There is nothing to do."}},
	},
	SignIn: {
		idp.Russian: {subject: "Код для входа", body: []string{
			"Код для входа: {code}",
			"Вход запрошен {at}.", deviceRU, "Сервис: {service}",
			"Код действует до {until}. Никому его не пересылайте.",
			"Это были не вы? Кто-то знает ваш пароль. Смените его:", "{issuer}/recover"}},
		idp.English: {subject: "Your sign-in code", body: []string{
			"Your sign-in code: {code}",
			"The sign-in was requested on {at}.", deviceEN, "Service: {service}",
			"The code works until {until}. Do not pass it on to anyone.",
			"Was it not you? Someone knows your password. Change it:", "{issuer}/recover"}},
	},
	Confirmation: {
		idp.Russian: {subject: "Код подтверждения", body: []string{
			"Код подтверждения: {code}", "{details}",
			"Запрос сделан {at}.", deviceRU,
			"Код действует до {until}. Никому его не пересылайте.",
			"Это были не вы? Кто-то вошёл в вашу учётную запись. Смените пароль:", "{issuer}/recover"}},
		idp.English: {subject: "Your confirmation code", body: []string{
			"Your confirmation code: {code}", "{details}",
			"It was requested on {at}.", deviceEN,
			"The code works until {until}. Do not pass it on to anyone.",
			"Was it not you? Someone has signed in to your account. Change your password:", "{issuer}/recover"}},
	},
}

// letterText holds what is printed (DESIGN.md 6.3).
var letterText = map[Kind]map[idp.Language]mailWords{
	ActivationCode: {
		idp.Russian: {subject: "Код для подтверждения личности", body: []string{
			"{name}!", "Вы просили прислать код, чтобы подтвердить личность. Код: {code}.",
			"Войдите на {host}, откройте «Подтвердить личность» и введите код до {day_until}. Не показывайте письмо другим.",
			"Если вы не просили код, позвоните: {help}."}},
		idp.English: {subject: "Code to confirm your identity", body: []string{
			"{name}!", "You asked for a code to confirm your identity. Code: {code}.",
			"Sign in at {host}, open \"Confirm your identity\" and enter the code before {day_until}. Do not show this letter to others.",
			"If you did not ask for a code, call: {help}."}},
	},
}
