package gost

import (
	"encoding/binary"
	"errors"
)

// maxDepth bounds the nesting of a message: a SignedData with certificates needs about a dozen levels.
const maxDepth = 32

var errBER = errors.New("malformed BER")

// toDER writes one BER value (X.690, 8) with definite and shortest lengths and with octet strings in one piece, which is what
// separates the messages of streaming producers from DER. What is DER already comes back unchanged. The order of sets and the
// contents of primitive values are left alone.
func toDER(in []byte) ([]byte, error) {
	out, rest, err := appendDER(nil, in, 0)
	if err == nil && len(rest) > 0 {
		err = errors.New("data after the end of the message")
	}
	return out, err
}

// appendDER converts the first value of in and returns what follows it.
func appendDER(dst, in []byte, depth int) (out, rest []byte, err error) {
	if depth > maxDepth {
		return nil, nil, errors.New("message is nested too deeply")
	}
	tag, size, in, err := berHeader(in)
	if err != nil {
		return nil, nil, err
	}
	if tag&0x20 == 0 {
		if size < 0 {
			return nil, nil, errBER
		}
		return append(appendHeader(dst, tag, size), in[:size]...), in[size:], nil
	}
	body, rest, err := berBody(in, size, depth, tag == 0x24)
	if err != nil {
		return nil, nil, err
	}
	if tag == 0x24 {
		tag = 0x04
	}
	return append(appendHeader(dst, tag, len(body)), body...), rest, nil
}

// berBody converts the values inside a constructed one; of a string in pieces it keeps the contents only.
func berBody(in []byte, size, depth int, pieces bool) (body, rest []byte, err error) {
	if size >= 0 {
		in, rest = in[:size], in[size:]
	}
	for {
		if size < 0 && len(in) >= 2 && in[0] == 0 && in[1] == 0 {
			return body, in[2:], nil
		}
		if size >= 0 && len(in) == 0 {
			return body, rest, nil
		}
		if !pieces {
			if body, in, err = appendDER(body, in, depth+1); err != nil {
				return nil, nil, err
			}
			continue
		}
		var piece []byte
		if piece, in, err = appendDER(nil, in, depth+1); err != nil {
			return nil, nil, err
		}
		tag, _, content, err := berHeader(piece)
		if err != nil || tag != 0x04 {
			return nil, nil, errBER
		}
		body = append(body, content...)
	}
}

// berHeader reads a tag of one byte and a length; size is -1 if the length is indefinite, and otherwise within what follows.
func berHeader(in []byte) (tag byte, size int, rest []byte, err error) {
	if len(in) < 2 || in[0] == 0 || in[0]&0x1f == 0x1f {
		return 0, 0, nil, errBER // an end without beginning, or a tag that CMS does not have
	}
	tag, first, rest := in[0], in[1], in[2:]
	switch {
	case first < 0x80:
		size = int(first)
	case first == 0x80:
		return tag, -1, rest, nil
	default:
		n := int(first & 0x7f)
		if n > len(rest) {
			return 0, 0, nil, errBER
		}
		for _, b := range rest[:n] {
			if size > 1<<40 {
				return 0, 0, nil, errBER
			}
			size = size<<8 | int(b)
		}
		rest = rest[n:]
	}
	if size > len(rest) {
		return 0, 0, nil, errBER
	}
	return tag, size, rest, nil
}

// appendHeader writes a tag and the shortest length.
func appendHeader(dst []byte, tag byte, size int) []byte {
	dst = append(dst, tag)
	if size < 0x80 {
		return append(dst, byte(size))
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(size))
	i := 0
	for b[i] == 0 {
		i++
	}
	return append(append(dst, 0x80|byte(8-i)), b[i:]...)
}
