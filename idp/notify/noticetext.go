package notify

import "propusk/idp"

// noticeText holds the words of the e-mails that only tell something (DESIGN.md 6.2).
var noticeText = map[Kind]map[idp.Language]mailWords{
	NewDevice: notice("Вход с нового устройства", "Sign-in from a new device",
		[]string{"В вашу учётную запись «{brand}» вошли с нового устройства {at}.", deviceRU, "Сервис: {service}", notMeRU, "{link}", linkEndsRU},
		[]string{"Someone signed in to your {brand} account from a new device on {at}.", deviceEN, "Service: {service}", notMeEN, "{link}", linkEndsEN}),
	PasswordChanged: notice("Пароль изменён", "Your password was changed",
		[]string{"Пароль вашей учётной записи «{brand}» изменён {at}.", deviceRU, "Сеансы на других устройствах завершены.", notMeRU, "{link}", linkEndsRU},
		[]string{"The password of your {brand} account was changed on {at}.", deviceEN, "Sessions on other devices have ended.", notMeEN, "{link}", linkEndsEN}),
	ContactChanging: notice("Телефон для входа меняют", "Your phone number is being changed",
		[]string{"В вашей учётной записи «{brand}» меняют телефон для входа. Запрос сделан {at}.", deviceRU, "Отменить можно до {until}.", notMeRU, "{link}"},
		[]string{"The sign-in phone number of your {brand} account is being changed. It was requested on {at}.", deviceEN, "You can cancel it until {until}.", notMeEN, "{link}"}),
	ContactChanged: notice("Телефон для входа изменён", "Your phone number was changed",
		[]string{"Телефон для входа в вашу учётную запись «{brand}» изменён {at}.", notMeRU, "{link}", linkEndsRU},
		[]string{"The sign-in phone number of your {brand} account was changed on {at}.", notMeEN, "{link}", linkEndsEN}),
	FactorAdded: notice("Способ входа добавлен", "A sign-in method was added",
		[]string{"В вашу учётную запись «{brand}» добавлен способ входа {at}.", "{details}", deviceRU, notMeRU, "{link}", linkEndsRU},
		[]string{"A sign-in method was added to your {brand} account on {at}.", "{details}", deviceEN, notMeEN, "{link}", linkEndsEN}),
	FactorRemoved: notice("Способ входа удалён", "A sign-in method was removed",
		[]string{"Из вашей учётной записи «{brand}» удалён способ входа {at}.", "{details}", deviceRU, notMeRU, "{link}", linkEndsRU},
		[]string{"A sign-in method was removed from your {brand} account on {at}.", "{details}", deviceEN, notMeEN, "{link}", linkEndsEN}),
	NumberClaimed: notice("Ваш номер указал другой человек", "Someone else gave your number",
		[]string{"Другой человек указал ваш номер телефона, когда создавал учётную запись «{brand}» {at}.",
			"Если номер ваш, войдите до {until} и подтвердите его:", "{issuer}/cabinet", "Если номер больше не ваш, ничего делать не нужно."},
		[]string{"Someone else gave your phone number when creating a {brand} account on {at}.",
			"If the number is yours, sign in before {until} and confirm it:", "{issuer}/cabinet", "If the number is no longer yours, there is nothing to do."}),
	ChecksFinished: notice("Проверка данных завершена", "Your details are checked",
		[]string{"Проверка ваших данных завершена {at}.", "{details}", "Дальше — в личном кабинете:", "{issuer}/cabinet"},
		[]string{"The check of your details finished on {at}.", "{details}", "The next step is in your account:", "{issuer}/cabinet"}),
	TierRaised: notice("Уровень учётной записи изменён", "Your account level has changed",
		[]string{"Уровень вашей учётной записи «{brand}» повышен {at}.", "{details}", cabinetRU, "{issuer}/cabinet"},
		[]string{"The level of your {brand} account was raised on {at}.", "{details}", cabinetEN, "{issuer}/cabinet"}),
	TierLowered: notice("Уровень учётной записи изменён", "Your account level has changed",
		[]string{"Уровень вашей учётной записи «{brand}» снижен {at}.", "{details}", cabinetRU, "{issuer}/cabinet"},
		[]string{"The level of your {brand} account was lowered on {at}.", "{details}", cabinetEN, "{issuer}/cabinet"}),
	IdentityConfirmed: notice("Личность подтверждена", "Your identity is confirmed",
		[]string{"Личность владельца учётной записи «{brand}» подтверждена {at}.", "{details}", notMeRU, "{link}", linkEndsRU},
		[]string{"The identity of the owner of your {brand} account was confirmed on {at}.", "{details}", notMeEN, "{link}", linkEndsEN}),
	AccessRestored: notice("Доступ восстановлен", "Access is restored",
		[]string{"Доступ к вашей учётной записи «{brand}» восстановлен в центре обслуживания {at}.", "{details}", notMeRU, "{link}", linkEndsRU},
		[]string{"Access to your {brand} account was restored at a service centre on {at}.", "{details}", notMeEN, "{link}", linkEndsEN}),
	ConsentGiven: notice("Новое разрешение", "New permission",
		[]string{"Вы разрешили сервису получать ваши данные {at}.", "Сервис: {service}", "{details}", "Разрешение действует до {until}.", "Отозвать его можно в личном кабинете:", "{issuer}/cabinet"},
		[]string{"You allowed a service to receive your details on {at}.", "Service: {service}", "{details}", "The permission is valid until {until}.", "You can withdraw it in your account:", "{issuer}/cabinet"}),
	ConsentWithdrawn: notice("Разрешение отозвано", "Permission withdrawn",
		[]string{"Разрешение сервису получать ваши данные отозвано {at}.", "Сервис: {service}", "{details}", cabinetRU, "{issuer}/cabinet"},
		[]string{"The permission of a service to receive your details was withdrawn on {at}.", "Service: {service}", "{details}", cabinetEN, "{issuer}/cabinet"}),
	DeletionBegun: notice("Учётную запись удалят", "Your account will be deleted",
		[]string{"Учётную запись «{brand}» удалят {day_until}. Запрос сделан {at}.", deviceRU, "До этого дня удаление можно отменить. Войдите в личный кабинет:", "{issuer}/cabinet",
			"Это были не вы? Откройте страницу и отмените удаление:", "{issuer}/stop"},
		[]string{"Your {brand} account will be deleted on {day_until}. It was requested on {at}.", deviceEN, "You can cancel this until that day. Sign in to your account:", "{issuer}/cabinet",
			"Was it not you? Open the page and cancel the deletion:", "{issuer}/stop"}),
	DeletionCancelled: notice("Удаление отменено", "The deletion is cancelled",
		[]string{"Удаление учётной записи «{brand}» отменено {at}.", deviceRU, "Запись работает как прежде.", cabinetRU, "{issuer}/cabinet"},
		[]string{"The deletion of your {brand} account was cancelled on {at}.", deviceEN, "The account works as before.", cabinetEN, "{issuer}/cabinet"}),
	DeletionDone: strangers("Учётная запись удалена", "Your account is deleted",
		[]string{"Ваша учётная запись «{brand}» удалена {at}.", "Войти в неё больше нельзя. Этот адрес можно указать в новой записи."},
		[]string{"Your {brand} account was deleted on {at}.", "It can no longer be used to sign in. You may use this address for a new account."}),
	CopyReady: notice("Файл с данными готов", "Your data file is ready",
		[]string{"Файл с вашими данными готов. Запрос сделан {at}.", "Войдите и скачайте его:", "{link}", "Файл хранится до {until}."},
		[]string{"The file with your details is ready. It was requested on {at}.", "Sign in and download it:", "{link}", "The file is kept until {until}."}),
	CertificateExpiring: strangers("Сертификат системы истекает", "A certificate expires soon",
		[]string{"Система: {service}", "Её сертификат действует до {until}. После этого запросы системы не будут приняты.", "Загрузите новый сертификат:", "{link}"},
		[]string{"System: {service}", "Its certificate is valid until {until}. After that its requests are not accepted.", "Upload a new certificate:", "{link}"}),
	DeliveriesFailing: strangers("Уведомления не доставляются", "Notifications are failing",
		[]string{"Система: {service}", "Система не принимает уведомления о выходе и изменениях с {at}.", "{details}", "Посмотреть попытки:", "{link}"},
		[]string{"System: {service}", "The system has not accepted notifications of sign-out and changes since {at}.", "{details}", "See the attempts:", "{link}"}),
}

const (
	linkEndsRU = "Ссылка действует до {until}."
	linkEndsEN = "The link works until {until}."
)

func notice(subjectRU, subjectEN string, ru, en []string) map[idp.Language]mailWords {
	return map[idp.Language]mailWords{idp.Russian: {subject: subjectRU, body: ru}, idp.English: {subject: subjectEN, body: en}}
}

// strangers is a notice to an address that belongs to no account: without the footer.
func strangers(subjectRU, subjectEN string, ru, en []string) map[idp.Language]mailWords {
	return map[idp.Language]mailWords{idp.Russian: {subject: subjectRU, body: ru, stranger: true}, idp.English: {subject: subjectEN, body: en, stranger: true}}
}
