package secret

import (
	"crypto/subtle"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
)

const mask = "***"

// Secret is a text that shows itself as ***. It can be read from JSON but is
// written there as *** too.
type Secret string

// Reveal returns the value. Each call is a place where the secret leaves.
func (s Secret) Reveal() string { return string(s) }

// Equal compares in a time that does not depend on where the values differ.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s), []byte(other)) == 1
}

// String returns ***.
func (Secret) String() string { return mask }

// GoString returns ***, for %#v.
func (Secret) GoString() string { return mask }

// Format prints *** under every verb, %x and %d included.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// MarshalJSON returns "***".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// MarshalText returns ***, for XML and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue returns ***.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// ErrStored is what the database driver gets for a Secret.
var ErrStored = errors.New("a secret has to be sealed before it is stored")

// Value refuses to give the secret to a database.
func (Secret) Value() (driver.Value, error) { return nil, ErrStored }
