package notify

import (
	"context"
	"time"
)

// Sender hands a message to a carrier.
type Sender interface {
	// Send returns nil once the carrier has taken the message over; that it arrived is not known. It ends by itself within
	// half a minute for each carrier it tries, or when ctx ends. Errors are *Error. Sending a message again whose Reference
	// was taken already does nothing where the carrier can tell.
	Send(ctx context.Context, m Message, r Rendered) error
}

// Senders renders messages and chooses the sender by channel. A nil sender is a channel that is not set up.
type Senders struct {
	Brand  Brand
	SMS    Sender
	Email  Sender
	Letter Sender
}

// Send renders and sends. Errors: Permanent for a message that cannot be rendered or has become worthless,
// Misconfigured for a channel that is not set up, and those of the sender.
func (s Senders) Send(ctx context.Context, m Message, now time.Time) error {
	if !now.Before(m.Deadline()) {
		return fail(Permanent, "", "message has become worthless before it was sent")
	}
	var to Sender
	var missing string
	switch m.Channel {
	case SMS:
		to, missing = s.SMS, "no SMS gateway: set IDP_SMS_URL"
	case Email:
		to, missing = s.Email, "no mail server: set IDP_SMTP_URL"
	case Letter:
		to, missing = s.Letter, "letters are not set up"
	}
	r, err := Render(m, s.Brand)
	if err != nil {
		return err
	}
	if to == nil {
		return fail(Misconfigured, "", missing)
	}
	return to.Send(ctx, m, r)
}
