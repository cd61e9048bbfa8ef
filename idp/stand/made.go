package stand

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"

	"propusk/idp"
)

// What the stand makes up. Phones begin with +7 900 1, insurance numbers with 000, passports are of the series 0000, taxpayer
// numbers of the region 00: no person has any of them but perhaps the phone, to which the stand sends nothing.

// below draws a number from 0 to n-1.
func below(n int64) int64 {
	i, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return i.Int64()
}

func oneOf(words string) string {
	all := strings.Fields(words)
	return all[below(int64(len(all)))]
}

func madePerson() idp.Person {
	p := idp.Person{Gender: "M", BirthDate: fmt.Sprintf("%d-%02d-%02d", 1960+below(45), 1+below(12), 1+below(28)), BirthPlace: "г. Примерск", Citizenship: "RUS"}
	stem := oneOf("Авдеев Баранов Воробьёв Громов Дроздов Ершов Жуков Зимин Игнатов Карпов Лапин Мухин Никонов Осипов Павлов Рыбаков Сомов Титов Устинов Филатов")
	father := oneOf("Иванов Петров Сергеев Олегов Павлов Романов Викторов Максимов Антонов Борисов")
	if below(2) == 0 {
		p.LastName, p.FirstName, p.MiddleName = stem, oneOf("Антон Борис Глеб Денис Егор Илья Кирилл Леонид Роман Тимур"), father+"ич"
		return p
	}
	p.Gender = "F"
	p.LastName, p.FirstName, p.MiddleName = stem+"а", oneOf("Алла Вера Галина Дина Ева Инна Лариса Полина Софья Юлия"), father+"на"
	return p
}

func madePhone() idp.Phone { return idp.Phone(fmt.Sprintf("+79001%06d", below(1_000_000))) }

func madeEmail() idp.Email {
	return idp.Email(fmt.Sprintf("citizen-%08d@example.ru", below(100_000_000)))
}

func madeSNILS() idp.SNILS {
	number := 200_000 + below(800_000) // 000-200-000 and up: those of citizens.json are below
	for control := 0; ; control++ {
		if s, err := idp.ParseSNILS(fmt.Sprintf("%09d%02d", number, control)); err == nil {
			return s
		}
	}
}

func madeINN() idp.INN {
	number := 100_000 + below(99_000_000)
	for control := 0; ; control++ {
		if n, err := idp.ParseINN(fmt.Sprintf("%010d%02d", number, control)); err == nil {
			return n
		}
	}
}

func madePassport() *idp.Document {
	return &idp.Document{Kind: idp.RFPassport, Series: "0000", Number: fmt.Sprintf("%06d", 1000+below(999_000)), IssuedOn: "2016-05-07",
		IssuedBy: "Отделом внутренних дел города Примерска", IssueID: "000-001", Verified: true}
}

func madeSecret() string {
	var b [20]byte
	rand.Read(b[:])
	return base32Plain.EncodeToString(b[:])
}

// madePassword is a readable one, such as Tihij-482-bereg.
func madePassword() string {
	return fmt.Sprintf("%s-%d-%s", oneOf("Tihij Belyj Zimnij Staryj Yasnyj Gornyj Letnij Dalnij Lunnyj Rovnyj"), 100+below(900),
		oneOf("bereg parus veter ruchej klen most holm dozhd sneg kamen"))
}
