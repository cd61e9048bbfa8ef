package standin

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"time"
)

// SMTP stands in for a mail server (RFC 5321) with STARTTLS, TLS from the first byte, or neither, and AUTH PLAIN.
// Set its members before Listen.
type SMTP struct {
	Implicit bool   // TLS from the first byte
	Plain    bool   // offers no STARTTLS
	User     string // who may sign in; empty: no AUTH is offered
	Password string

	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool
	running  sync.WaitGroup

	mu      sync.Mutex
	mails   []Mail
	replies map[string]string
	open    map[net.Conn]bool
}

// Mail is a message that the server took over.
type Mail struct {
	From, To string
	User     string // who signed in
	Secure   bool   // it came over TLS
	Data     string // header and body as sent, with line feeds alone
}

// Listen starts the server on a free port of 127.0.0.1, with a certificate made for this run.
func (s *SMTP) Listen() error {
	cert, roots, err := certificate()
	if err != nil {
		return err
	}
	s.tls, s.roots, s.open = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, roots, map[net.Conn]bool{}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	s.running.Go(s.accept)
	return nil
}

// Addr is host:port of the server.
func (s *SMTP) Addr() string { return s.listener.Addr().String() }

// Roots trusts the certificate of this run.
func (s *SMTP) Roots() *x509.CertPool { return s.roots }

// Close ends the server and its connections.
func (s *SMTP) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
	return err
}

// Reply makes the server answer a command (MAIL, RCPT, DATA, "." for the end of the data, QUIT, ...) with these words, as in
// "550 5.1.1 no such user"; empty words make it silent, "-" hangs up.
func (s *SMTP) Reply(command, words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.replies == nil {
		s.replies = map[string]string{}
	}
	s.replies[command] = words
}

// Mails lists the messages taken over, oldest first.
func (s *SMTP) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

func (s *SMTP) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.open[conn] = true
		s.mu.Unlock()
		s.running.Go(func() {
			s.serve(conn)
			conn.Close()
			s.mu.Lock()
			delete(s.open, conn)
			s.mu.Unlock()
		})
	}
}

// dialogue is one connection.
type dialogue struct {
	*SMTP
	conn   net.Conn
	lines  *textproto.Reader
	mail   Mail
	hangup bool
}

func (s *SMTP) serve(conn net.Conn) {
	conn.SetDeadline(time.Now().Add(time.Minute))
	d := &dialogue{SMTP: s, conn: conn}
	if s.Implicit {
		d.conn, d.mail.Secure = tls.Server(conn, s.tls), true
	}
	d.lines = textproto.NewReader(bufio.NewReader(d.conn))
	d.say("CONNECT", "220 standin ESMTP")
	for !d.hangup {
		line, err := d.lines.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		d.obey(strings.ToUpper(verb), rest)
	}
}

// say answers a command, with the words set by Reply if there are any; false if these are not the usual ones.
func (d *dialogue) say(command, usual string) bool {
	d.mu.Lock()
	words, set := d.replies[command]
	d.mu.Unlock()
	if !set {
		words = usual
	}
	switch words {
	case "-":
		d.hangup = true
	case "":
	default:
		fmt.Fprint(d.conn, words+"\r\n")
	}
	return !set
}

func (d *dialogue) obey(verb, rest string) {
	switch verb {
	case "EHLO", "HELO":
		d.say("EHLO", d.greeting())
	case "STARTTLS":
		if d.say("STARTTLS", "220 go ahead") {
			d.conn = tls.Server(d.conn, d.tls)
			d.lines = textproto.NewReader(bufio.NewReader(d.conn))
			d.mail.Secure = true
		}
	case "AUTH":
		d.signIn(rest)
	case "MAIL":
		d.mail.From = path(rest)
		d.say("MAIL", "250 ok")
	case "RCPT":
		d.mail.To = path(rest)
		d.say("RCPT", "250 ok")
	case "DATA":
		d.data()
	case "QUIT":
		d.say("QUIT", "221 bye")
		d.hangup = true
	case "NOOP", "RSET":
		d.say(verb, "250 ok")
	default:
		d.say(verb, "502 unknown command")
	}
}

func (d *dialogue) greeting() string {
	features := []string{"standin", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"}
	if !d.Plain && !d.mail.Secure {
		features = append(features, "STARTTLS")
	}
	if d.User != "" {
		features = append(features, "AUTH PLAIN")
	}
	last := len(features) - 1
	return "250-" + strings.Join(features[:last], "\r\n250-") + "\r\n250 " + features[last]
}

func (d *dialogue) signIn(rest string) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
	parts := strings.Split(string(raw), "\x00")
	if err != nil || len(parts) != 3 || parts[1] != d.User || parts[2] != d.Password {
		d.say("AUTH", "535 5.7.8 wrong user or password for "+rest)
		return
	}
	d.mail.User = d.User
	d.say("AUTH", "235 2.7.0 welcome")
}

func (d *dialogue) data() {
	if !d.say("DATA", "354 go ahead") {
		return
	}
	body, err := d.lines.ReadDotBytes()
	if err != nil {
		d.hangup = true
		return
	}
	if d.say(".", "250 2.0.0 taken") {
		d.mail.Data = string(body)
		d.mu.Lock()
		d.mails = append(d.mails, d.mail)
		d.mu.Unlock()
	}
}

// path is the address within "FROM:<...> ...".
func path(rest string) string {
	_, after, _ := strings.Cut(rest, "<")
	address, _, _ := strings.Cut(after, ">")
	return address
}

func certificate() (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "standin"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots, nil
}
