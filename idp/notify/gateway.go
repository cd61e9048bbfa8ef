package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// gateway is one HTTP gateway, set up.
type gateway struct {
	adapter
	kind          string
	address       *url.URL // without query
	login, secret string   // login is empty where the secret is a key
	sender        string
	client        *http.Client
	breaker       breaker
}

// adapter is what differs between kinds of gateways.
type adapter struct {
	path        string // where the URL names none
	key, pair   bool   // credentials are one key, or NAME:PASSWORD; both may be allowed
	needsSender bool
	oneShot     bool // a request must never be repeated by the transport

	// ask makes the request. to is E.164 with its plus.
	ask func(g *gateway, to, text, reference string) call

	// answer reads what came back: nil if the gateway took the message over (or had taken it before).
	// It is given every status below 500 but those that statusError knows.
	answer func(status int, body []byte) *Error
}

// call is a request of one of three forms: JSON, a form, or a query alone.
type call struct {
	json   any
	form   url.Values
	query  url.Values
	header http.Header
}

const (
	callTime  = 10 * time.Second // for one call of a gateway, connection included
	bodyLimit = 64 << 10
)

func httpClient(oneShot bool) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	t.MaxResponseHeaderBytes = bodyLimit
	// On a connection that was kept and has died, net/http repeats a GET by itself: the message would be sent twice.
	t.DisableKeepAlives = oneShot
	return &http.Client{
		Transport: t,
		Timeout:   callTime,
		// Following a redirect would carry code and number to an address that nobody set up.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (g *gateway) send(ctx context.Context, m Message, r Rendered) *Error {
	req, err := g.request(ctx, g.ask(g, m.To, r.Text, m.Reference))
	if err != nil {
		return fail(Permanent, g.kind, "message cannot be put into a request")
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return networkError(g.kind, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	if err != nil {
		return networkError(g.kind, err)
	}
	return g.read(resp.StatusCode, body)
}

// read classifies an answer.
func (g *gateway) read(status int, body []byte) *Error {
	e := statusError(status)
	if e == nil {
		e = g.answer(status, body)
	}
	if e != nil {
		e.Gateway = g.kind
	}
	return e
}

func (g *gateway) request(ctx context.Context, c call) (*http.Request, error) {
	method, kind, u := http.MethodPost, "", *g.address
	var body []byte
	switch {
	case c.json != nil:
		var err error
		if body, err = json.Marshal(c.json); err != nil {
			return nil, err
		}
		kind = "application/json; charset=utf-8"
	case c.form != nil:
		body, kind = []byte(c.form.Encode()), "application/x-www-form-urlencoded"
	default:
		method, u.RawQuery = http.MethodGet, c.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range c.header {
		req.Header[name] = values
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("Accept", "application/json, text/plain;q=0.5")
	req.Header.Set("User-Agent", "propusk")
	return req, nil
}

// statusError classifies the statuses that mean the same everywhere; nil leaves the answer to the adapter.
func statusError(status int) *Error {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return failCode(Misconfigured, "", "credentials are refused: check IDP_SMS_PASSWORD_FILE and the addresses the gateway allows; HTTP", status)
	case status == http.StatusPaymentRequired:
		return failCode(Misconfigured, "", "no money on the account; HTTP", status)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status >= 300 && status < 400:
		return failCode(Misconfigured, "", "nothing answers at this address: check IDP_SMS_URL; HTTP", status)
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500, status < 200:
		return failCode(Temporary, "", "gateway is not ready; HTTP", status)
	}
	return nil
}

// networkError puts a failure of the connection into words of ours: those of net/http hold the URL, and with it, for some
// gateways, the password.
func networkError(kind string, err error) *Error {
	var (
		timeout   net.Error
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		host      *net.DNSError
	)
	switch {
	case errors.As(err, &verify), errors.As(err, &authority), errors.As(err, &name), errors.As(err, &invalid):
		return fail(Misconfigured, kind, "certificate of the server is not trusted")
	case errors.As(err, &record), errors.As(err, &alert), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fail(Misconfigured, kind, "server does not speak TLS as asked")
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return fail(Temporary, kind, "no answer in time")
	case errors.As(err, &host):
		return fail(Temporary, kind, "host is not found")
	}
	return fail(Temporary, kind, "no connection")
}

// unclear is an answer that is none of the gateway's: a page of a proxy, a truncated body, another version.
func unclear(status int) *Error {
	return failCode(Temporary, "", "answer is not understood; HTTP", status)
}
