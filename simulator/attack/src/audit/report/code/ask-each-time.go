package backend

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// KeyOfRequest is for answers to repeated requests alone; verdicts are not cached. The key is made of everything that was
// judged, each part with its length, and what is kept is the answer of the order, which is paid once.
func KeyOfRequest(openID, resultJSON, signature string) string {
	digest := sha256.New()
	for _, part := range []string{openID, resultJSON, signature} {
		fmt.Fprintf(digest, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(digest.Sum(nil))
}
