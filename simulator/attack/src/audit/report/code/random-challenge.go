package backend

import (
	"crypto/rand"
	"encoding/hex"
)

// NewChallenge gives another one for each order, to be stored with it. No time, no number of the order, no math/rand.
func NewChallenge() (string, error) {
	bytes := make([]byte, 16)
	if _, err := rand.Read(bytes); err != nil {
		return "", err
	}
	return hex.EncodeToString(bytes), nil
}
