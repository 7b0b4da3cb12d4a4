package backend

import "crypto/rsa"

// EnrolledKeys is the table of all keys that were ever enrolled.
type EnrolledKeys interface {
	// InsertIfNew is false if this key was ever enrolled, for anybody, or if the counter is not higher than the phone's highest.
	InsertIfNew(openid, cpuID string, counter uint64, key *rsa.PublicKey) bool
}

// Enroll is called after the signatures were verified: the device's over the ASK, the ASK's over the AuthKey, whose export has
// these members.
func Enroll(keys EnrolledKeys, openid, cpuID string, counter uint64, key *rsa.PublicKey) bool {
	isStrong := key.N.BitLen() == 2048 && key.E == 65537
	return isStrong && keys.InsertIfNew(openid, cpuID, counter, key)
}
