package notify

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// adapters holds the kinds of gateways. What is known of them and from where stands in library-facts.md 3.2; each function
// names what it rests on.
var adapters = map[string]adapter{
	"generic": {path: "/", key: true, ask: askGeneric, answer: answerGeneric},
	"smsc":    {path: "/sys/send.php", key: true, pair: true, ask: askSMSC, answer: answerSMSC},
	"smsaero": {path: "/v2/sms/send", pair: true, needsSender: true, ask: askAero, answer: answerAero},
	"exolve":  {path: "/messaging/v1/SendSMS", key: true, needsSender: true, ask: askExolve, answer: answerExolve},
	"beeline": {path: "/proto/http/rest", key: true, pair: true, ask: askBeeline, answer: answerBeeline},
	"kannel":  {path: "/cgi-bin/sendsms", pair: true, oneShot: true, ask: askKannel, answer: answerKannel},
}

func bearer(key string) http.Header { return http.Header{"Authorization": {"Bearer " + key}} }

// askSMSC: smsc.ru/api/http/send/sms. fmt=3 asks for JSON; id is ours, up to 40 letters, digits and ".-_".
// The form is posted, so that the password stands in no log of addresses.
func askSMSC(g *gateway, to, text, reference string) call {
	form := url.Values{"phones": {to}, "mes": {text}, "charset": {"utf-8"}, "fmt": {"3"}, "id": {reference}}
	if g.login == "" {
		form.Set("apikey", g.secret)
	} else {
		form.Set("login", g.login)
		form.Set("psw", g.secret)
	}
	if g.sender != "" {
		form.Set("sender", g.sender)
	}
	return call{form: form}
}

// answerSMSC: {"id": 1, "cnt": 1} or {"error": "...", "error_code": N}, always with status 200.
func answerSMSC(status int, body []byte) *Error {
	var a struct {
		ID    json.RawMessage `json:"id"`
		Count int             `json:"cnt"`
		Error string          `json:"error"`
		Code  int             `json:"error_code"`
	}
	if json.Unmarshal(body, &a) != nil {
		return unclear(status)
	}
	switch a.Code {
	case 0:
		if a.Error != "" || len(a.ID) == 0 || a.Count < 1 {
			return unclear(status)
		}
		return nil
	case 2:
		return failCode(Misconfigured, "", "login or password is refused: check IDP_SMS_PASSWORD_FILE; error", a.Code)
	case 3:
		return failCode(Misconfigured, "", "no money on the account; error", a.Code)
	case 4:
		return failCode(Temporary, "", "our address is blocked for a while; error", a.Code)
	case 7, 8:
		return failCode(Permanent, "", "number is refused; error", a.Code)
	case 9:
		// The same request within a minute, hence ours that was taken before; or more requests at once than allowed.
		if strings.Contains(a.Error, "concurrent") {
			return failCode(Temporary, "", "too many requests at once; error", a.Code)
		}
		return nil
	}
	return failCode(Misconfigured, "", "request, sender or text is refused; error", a.Code)
}

// askAero: smsaero.ru/integration/documentation/api. The number is JSON without its plus.
func askAero(g *gateway, to, text, _ string) call {
	return call{
		json: struct {
			Number json.Number `json:"number"`
			Text   string      `json:"text"`
			Sign   string      `json:"sign"`
		}{json.Number(to[1:]), text, g.sender},
		header: http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(g.login+":"+g.secret))}},
	}
}

// answerAero: {"success": true, "data": {"id": 1, "status": 0, ...}}, or success false with the members that are wrong
// in data. Status of the message: 0 queued, 1 delivered, 2 failed, 3 sent, 4 at the operator, 6 rejected, 8 in moderation.
func answerAero(status int, body []byte) *Error {
	var a struct {
		Success bool            `json:"success"`
		Data    json.RawMessage `json:"data"`
	}
	if json.Unmarshal(body, &a) != nil {
		return unclear(status)
	}
	if !a.Success {
		var wrong map[string]json.RawMessage
		if json.Unmarshal(a.Data, &wrong) == nil && wrong["number"] != nil {
			return failCode(Permanent, "", "number is refused; HTTP", status)
		}
		return failCode(Misconfigured, "", "request, sender or balance is refused; HTTP", status)
	}
	var sent struct {
		ID     json.Number `json:"id"`
		Status int         `json:"status"`
	}
	switch {
	case json.Unmarshal(a.Data, &sent) != nil || sent.ID == "":
		return unclear(status)
	case sent.Status == 2 || sent.Status == 6:
		return failCode(Permanent, "", "message is refused; status", sent.Status)
	}
	return nil
}

// askExolve: docs.exolve.ru, SMS API, SendSMS. Both numbers are without a plus; number is the sender.
func askExolve(g *gateway, to, text, _ string) call {
	return call{
		json: struct {
			Number      string `json:"number"`
			Destination string `json:"destination"`
			Text        string `json:"text"`
		}{strings.TrimPrefix(g.sender, "+"), to[1:], text},
		header: bearer(g.secret),
	}
}

// answerExolve: {"message_id": "..."} or {"error": {"message": "invalid SendRequest.Destination: ..."}}.
func answerExolve(status int, body []byte) *Error {
	var a struct {
		ID    string `json:"message_id"`
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	switch {
	case json.Unmarshal(body, &a) != nil:
		return unclear(status)
	case status < 300 && a.ID != "" && a.Error.Message == "":
		return nil
	case strings.Contains(a.Error.Message, "Destination"), strings.Contains(a.Error.Message, "Number does not exist"):
		return failCode(Permanent, "", "number is refused; HTTP", status)
	case status >= 400 || a.Error.Message != "":
		return failCode(Misconfigured, "", "request or sender is refused; HTTP", status)
	}
	return unclear(status)
}

// askBeeline: the REST form of Beeline A2P. A key goes into the header as the operator gave it; post_id is our reference.
func askBeeline(g *gateway, to, text, reference string) call {
	body := map[string]string{"action": "post_sms", "target": to, "message": text, "post_id": reference}
	c := call{json: body, header: http.Header{}}
	if g.sender != "" {
		body["sender"] = g.sender
	}
	if g.login == "" {
		c.header.Set("X-ApiKey", g.secret)
	} else {
		body["user"], body["pass"] = g.login, g.secret
	}
	return c
}

// answerBeeline: {"actions": [{"id": "...", "sms_group_id": "...", ...}]}, or errors, a list or an object. The numbers of the
// errors are not published, so an error is taken as temporary: the next gateway is asked and the message's deadline ends it.
func answerBeeline(status int, body []byte) *Error {
	var a struct {
		Actions []struct {
			ID json.RawMessage `json:"id"`
		} `json:"actions"`
		Errors json.RawMessage `json:"errors"`
	}
	switch {
	case json.Unmarshal(body, &a) != nil:
		return unclear(status)
	case status >= 400:
		return failCode(Misconfigured, "", "request is refused; HTTP", status)
	case !emptyJSON(a.Errors):
		return failCode(Temporary, "", "message is refused; HTTP", status)
	case len(a.Actions) == 0 || emptyJSON(a.Actions[0].ID):
		return unclear(status)
	}
	return nil
}

func emptyJSON(m json.RawMessage) bool {
	switch string(m) {
	case "", "null", "[]", "{}", `""`:
		return true
	}
	return false
}

// askKannel: Kannel 1.4.5 User's Guide, "SMS push", smsbox. coding=2 is UCS-2, 0 GSM-7; the text itself is UTF-8.
func askKannel(g *gateway, to, text, _ string) call {
	coding := 0
	if strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(gsmBasic+gsmExtra, r) }) {
		coding = 2
	}
	query := url.Values{"username": {g.login}, "password": {g.secret}, "to": {to}, "text": {text}, "charset": {"UTF-8"}, "coding": {strconv.Itoa(coding)}}
	if g.sender != "" {
		query.Set("from", g.sender)
	}
	return call{query: query}
}

// answerKannel: 202 "0: Accepted for delivery" or "3: Queued for later delivery" (200 in old versions); 4xx the request is
// unacceptable, 403 wrong credentials, 503 "Temporal failure, try again later".
func answerKannel(status int, body []byte) *Error {
	text := strings.TrimSpace(string(body))
	switch {
	case status >= 400:
		return failCode(Permanent, "", "message is refused; HTTP", status)
	case strings.HasPrefix(text, "0:"), strings.HasPrefix(text, "3:"), text == "Sent.":
		return nil
	}
	return unclear(status)
}
