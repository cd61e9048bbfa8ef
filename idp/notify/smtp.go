package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"propusk/idp"
)

// SMTP sends e-mails through one mail server (RFC 5321), a connection for each. May be used by many goroutines.
type SMTP struct {
	host, user, password string
	port                 int
	from                 string      // address
	implicit             bool        // TLS from the first byte (RFC 8314, 3.3)
	startTLS             bool        // mandatory STARTTLS
	tls                  *tls.Config // never nil
	last                 string      // domain of Message-ID
}

// ParseSMTP reads IDP_SMTP_URL, smtp(s)://user@host:port, and the content of IDP_SMTP_PASSWORD_FILE. smtps is TLS from the
// first byte (port 465 where none is named), smtp is STARTTLS (587), which is mandatory except for a loopback address, where
// there is none. Without a user nobody signs in. The address of the sender is `from`, else the query parameter `from`, else
// the user, if that is an address. The errors name the setting, say what to do, and hold nothing of the URL but its host.
func ParseSMTP(address, password, from string) (*SMTP, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("IDP_SMTP_URL is no address of a mail server; write smtp://USER@HOST:587 or smtps://USER@HOST:465")
	}
	if _, set := u.User.Password(); set {
		return nil, fmt.Errorf("IDP_SMTP_URL holds the password for %s; move it to IDP_SMTP_PASSWORD_FILE", u.Hostname())
	}
	s := &SMTP{host: u.Hostname(), user: u.User.Username(), password: strings.TrimRight(password, "\r\n"), port: 587,
		implicit: u.Scheme == "smtps", startTLS: u.Scheme == "smtp" && !isLoopback(u.Hostname())}
	s.tls = &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
	if s.implicit {
		s.port = 465
	}
	if u.Port() != "" {
		if s.port, err = strconv.Atoi(u.Port()); err != nil || s.port < 1 || s.port > 65535 {
			return nil, fmt.Errorf("IDP_SMTP_URL: %s is no port", u.Port())
		}
	}
	if s.user != "" && s.password == "" {
		return nil, errors.New("IDP_SMTP_URL names a user, but there is no password: set IDP_SMTP_PASSWORD_FILE")
	}
	for _, candidate := range []string{from, u.Query().Get("from"), s.user} {
		if candidate == "" {
			continue
		}
		parsed, err := idp.ParseEmail(candidate)
		if err != nil {
			return nil, errors.New("IDP_SMTP_URL names no sender: its user or the query parameter from must be an e-mail address, as in smtp://USER@HOST:587?from=no-reply%40example.ru")
		}
		s.from = string(parsed)
		_, s.last, _ = strings.Cut(s.from, "@")
		return s, nil
	}
	return nil, errors.New("IDP_SMTP_URL names no sender: add ?from=no-reply%40example.ru")
}

// LogValue masks the server's account.
func (s *SMTP) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String is the masked form, for %v and friends.
func (s *SMTP) String() string { return "mail server" }

// GoString is the masked form, for %#v.
func (s *SMTP) GoString() string { return s.String() }

// Send is Sender's. The Message-ID is made of the reference, so that a message tried twice is one to those who compare.
func (s *SMTP) Send(ctx context.Context, m Message, r Rendered) error {
	letter, err := s.letter(m, r)
	if err != nil {
		return fail(Permanent, "smtp", "address cannot be put into an e-mail")
	}
	client, err := s.client(ctx)
	if err != nil {
		return fail(Misconfigured, "smtp", "settings are refused: check IDP_SMTP_URL")
	}
	err = client.DialAndSendWithContext(ctx, letter)
	if err == nil || letter.IsDelivered() { // what fails after the server has taken the message over is no failure of it
		return nil
	}
	if ctx.Err() != nil {
		return fail(Temporary, "smtp", "sending was interrupted")
	}
	return smtpError(err)
}

// Check connects, starts TLS and signs in, without sending, for `idp doctor`.
func (s *SMTP) Check(ctx context.Context) error {
	client, err := s.client(ctx)
	if err != nil {
		return errors.New("IDP_SMTP_URL: settings are refused")
	}
	c, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("IDP_SMTP_URL: %w", smtpError(err))
	}
	if err := client.CloseWithSMTPClient(c); err != nil {
		return fmt.Errorf("IDP_SMTP_URL: %w", smtpError(err))
	}
	return nil
}

func (s *SMTP) letter(m Message, r Rendered) (*mail.Msg, error) {
	letter := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithNoDefaultUserAgent())
	if err := letter.FromFormat(r.From, s.from); err != nil {
		return nil, err
	}
	if err := letter.To(m.To); err != nil {
		return nil, err
	}
	letter.Subject(r.Subject)
	letter.SetDateWithValue(time.Now())
	id := m.Reference
	if id == "" {
		id = string(idp.NewID(time.Now()))
	}
	letter.SetMessageIDWithValue(oneLine(id, 100) + "@" + s.last)
	// RFC 3834, 5: no automatic answer to an automatic message.
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetGenHeader("Content-Language", string(m.Lang))
	letter.SetBodyString(mail.TypeTextPlain, r.Text)
	if r.HTML != "" {
		letter.AddAlternativeString(mail.TypeTextHTML, r.HTML)
	}
	return letter, nil
}

// client is for one message: go-mail keeps what it found out about a server in the client.
func (s *SMTP) client(ctx context.Context) (*mail.Client, error) {
	options := []mail.Option{mail.WithPort(s.port), mail.WithTimeout(callTime), mail.WithTLSConfig(s.tls),
		mail.WithTLSPolicy(mail.NoTLS), mail.WithDialContextFunc(s.dialer(ctx))}
	switch {
	case s.implicit:
		options = append(options, mail.WithSSL())
	case s.startTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.user != "" {
		// The list keeps NTLM out; PLAIN and LOGIN are refused by the library without TLS, but for loopback.
		options = append(options, mail.WithUsername(s.user), mail.WithPassword(s.password), mail.WithOpportunisticSMTPAuth(
			mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return mail.NewClient(s.host, options...)
}

// dialer makes connections that end with ctx: go-mail itself obeys a context while it connects, then only its timeouts.
func (s *SMTP) dialer(ctx context.Context) mail.DialContextFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		bound := &boundConn{Conn: conn}
		bound.stop = context.AfterFunc(ctx, func() { conn.Close() })
		if !s.implicit {
			return bound, nil
		}
		secure := tls.Client(bound, s.tls)
		if err := secure.HandshakeContext(dialing); err != nil {
			bound.Close()
			return nil, err
		}
		return secure, nil
	}
}

// boundConn stops watching its context when it is closed.
type boundConn struct {
	net.Conn
	stop func() bool
}

func (c *boundConn) Close() error {
	c.stop()
	return c.Conn.Close()
}

// smtpError classifies what go-mail returns by the server's code (RFC 5321, 4.2.1). Its text is dropped: it holds the
// recipient and whatever the server wrote.
func smtpError(err error) *Error {
	var sending *mail.SendError
	if errors.As(err, &sending) {
		code := sending.ErrorCode()
		switch {
		case code >= 500 && sending.Reason == mail.ErrSMTPMailFrom:
			return failCode(Misconfigured, "smtp", "sender is refused: check the sender's address and the account;", code)
		case code >= 500 && (code == 530 || code == 535 || code == 538):
			return failCode(Misconfigured, "smtp", "server wants another sign-in: check user and password;", code)
		case code >= 500 && sending.Reason == mail.ErrSMTPRcptTo:
			return failCode(Permanent, "smtp", "recipient is refused;", code)
		case code >= 500:
			return failCode(Permanent, "smtp", "message is refused;", code)
		case code >= 400:
			return failCode(Temporary, "smtp", "server is not ready;", code)
		}
		return networkError("smtp", err)
	}
	var answer *textproto.Error
	if errors.As(err, &answer) {
		if answer.Code >= 500 {
			return failCode(Misconfigured, "smtp", "server refuses the connection or the sign-in: check user and password;", answer.Code)
		}
		return failCode(Temporary, "smtp", "server is not ready;", answer.Code)
	}
	switch text := err.Error(); {
	case strings.Contains(text, "does not support STARTTLS"):
		return fail(Misconfigured, "smtp", "server offers no STARTTLS: use smtps or another server")
	case strings.Contains(text, "SMTP AUTH"), errors.Is(err, mail.ErrNoSupportedAuthDiscovered), strings.Contains(text, "unencrypted connection"):
		return fail(Misconfigured, "smtp", "server offers no way to sign in: check IDP_SMTP_URL")
	}
	return networkError("smtp", err)
}
