// Package notify sends what a citizen receives outside the browser: text messages and e-mails. It holds their words
// (DESIGN.md section 6), one [Sender] interface with its adapters (SMTP, six HTTP gateways, the [Outbox] of the stand), and the
// rules of when to try again.
//
// # The way of a message
//
// A service writes a [Message] as a sealed job row in the transaction of the change that asks for it. The loop of idp/server
// opens the row and calls [Senders.Send], which refuses a message that has become worthless ([Message.Deadline]), renders it
// ([Render]) and hands it to the sender of its channel. A failure is an [Error] of one of three classes: the loop comes
// back after [Backoff] for [Temporary] and [Misconfigured] ones and gives up on [Permanent] ones.
//
// A job may run twice, the message must not arrive twice: Reference, the id of the job, goes to the gateway where it
// takes one, is the Message-ID of an e-mail, and is remembered in the process.
//
// # Secrets
//
// A message holds an address, a code and a link that signs somebody in. None of them, no gateway's URL, credential or answer,
// reaches an error or a log: messages mask themselves, and errors are made of fixed words and numbers only.
package notify
