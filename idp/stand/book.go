package stand

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"propusk/idp"
)

// known is what the stand knows of a citizen and the database does not: secrets in plain text.
type known struct {
	OID        idp.OID `json:"oid"`
	Password   string  `json:"password"`
	TOTPSecret string  `json:"totp_secret,omitempty"`
	Note       string  `json:"note,omitempty"`
	NoteRU     string  `json:"-"` // of the fixed citizens, for the Russian page
}

// LogValue masks the secrets.
func (k known) LogValue() slog.Value { return slog.StringValue("citizen " + k.OID.String()) }

// book is what is known of the citizens, the fixed ones first.
type book struct {
	mu      sync.Mutex
	entries []known
}

func (b *book) all() []known {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.entries)
}

// begin fills the book anew: the fixed citizens, then the created ones of the file.
func (b *book) begin(fixed []known, folder string) error {
	made, err := readBook(folder)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(slices.Clone(fixed), made...)
	return nil
}

// add keeps a created citizen, in the file too. A file that cannot be written costs the password at the next start only.
func (b *book) add(k known, folder string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(b.entries, k)
	if err := appendBook(folder, k); err != nil {
		slog.Error("the password of a created citizen is kept in memory only", "oid", k.OID.String(), "error", err)
	}
}

func bookFile(folder string) string { return filepath.Join(folder, "citizens.jsonl") }

// readBook reads one citizen a line. A line cut by a crash is passed over.
func readBook(folder string) ([]known, error) {
	if folder == "" {
		return nil, nil
	}
	f, err := os.Open(bookFile(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var all []known
	for lines := bufio.NewScanner(f); ; {
		if !lines.Scan() {
			return all, lines.Err()
		}
		var k known
		if err := json.Unmarshal(lines.Bytes(), &k); err == nil && k.OID > 0 {
			all = append(all, k)
		}
	}
}

func appendBook(folder string, k known) error {
	if folder == "" {
		return nil
	}
	line, err := json.Marshal(k)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(bookFile(folder), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// A line begins with its end, so that one cut by a crash does not spoil the next.
	_, err = f.Write(append(append([]byte{'\n'}, line...), '\n'))
	return errors.Join(err, f.Close())
}
