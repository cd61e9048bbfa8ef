package notify

import (
	"encoding/json"
	"net/http"
)

// The gateway `generic` is our own protocol, for an agency's bridge to an operator we have no adapter for:
//
//	POST /path HTTP/1.1
//	Authorization: Bearer TOKEN
//	Content-Type: application/json; charset=utf-8
//	Idempotency-Key: 0198c1b2-...
//
//	{"to": "+79123456789", "text": "482913 — код входа. ...", "sender": "PROPUSK", "reference": "0198c1b2-..."}
//
// `to` is E.164, `text` is sent as it is, `sender` is left out when none is set, `reference` equals the Idempotency-Key
// and is at most 64 letters. The answers:
//
//	200, 201, 202  {"id": "..."}   the message is taken over; id is not empty. A reference seen before gets the same answer
//	409                            a message with this reference was taken over before
//	401, 402, 403, 404, 405        set up wrongly; we go on to the next gateway and tell the administrator
//	429, 5xx                       not now; we come back
//	other 4xx                      this message can never arrive
func askGeneric(g *gateway, to, text, reference string) call {
	return call{
		json: struct {
			To        string `json:"to"`
			Text      string `json:"text"`
			Sender    string `json:"sender,omitempty"`
			Reference string `json:"reference"`
		}{to, text, g.sender, reference},
		header: http.Header{"Authorization": {"Bearer " + g.secret}, "Idempotency-Key": {reference}},
	}
}

func answerGeneric(status int, body []byte) *Error {
	var taken struct {
		ID string `json:"id"`
	}
	switch {
	case status == http.StatusConflict:
		return nil
	case status >= 400:
		return failCode(Permanent, "", "message is refused; HTTP", status)
	case json.Unmarshal(body, &taken) != nil || taken.ID == "":
		return unclear(status)
	}
	return nil
}
