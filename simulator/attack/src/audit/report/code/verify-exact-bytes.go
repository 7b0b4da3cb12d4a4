package backend

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
)

// IsSigned takes the key that this user's phone has uploaded, with 20, or on some phones 32, as salt length. A mini
// program's server asks WeChat instead (/cgi-bin/soter/verify_signature), with these two texts unchanged.
func IsSigned(resultJSON, signature string, authKey *rsa.PublicKey, saltLength int) bool {
	decoded, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil {
		return false
	}
	digest := sha256.Sum256([]byte(resultJSON))
	options := &rsa.PSSOptions{SaltLength: saltLength, Hash: crypto.SHA256}
	return rsa.VerifyPSS(authKey, crypto.SHA256, digest[:], decoded, options) == nil
}
