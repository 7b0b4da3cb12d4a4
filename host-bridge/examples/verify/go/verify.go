// Verifies AuthKeys and results with Go's standard library. The part above the dashes is for your server.
package main

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Refused names the check that refuses.
type Refused string

func (refused Refused) Error() string { return string(refused) }

// Said is what an export or a result says.
type Said struct {
	PubKey     string  `json:"pub_key"`
	Raw        *string `json:"raw"`
	CpuID      string  `json:"cpu_id"`
	UID        string  `json:"uid"`
	Counter    uint64  `json:"counter"`
	SaltLength *int    `json:"rsa_pss_saltlen"`
}

func (said Said) saltLength() int {
	if said.SaltLength == nil {
		return 20
	}
	return *said.SaltLength
}

// Key is what your server keeps of an ASK that WeChat's verify_ask has confirmed, and of an AuthKey.
type Key struct {
	Public     *rsa.PublicKey
	SaltLength int
	CpuID, UID string
	Counter    uint64
}

func isSigned(text, signature []byte, key Key) bool {
	hash := sha256.Sum256(text)
	// A length of 0 lets the library find the length, and so do no options.
	return key.SaltLength > 0 &&
		rsa.VerifyPSS(key.Public, crypto.SHA256, hash[:], signature, &rsa.PSSOptions{SaltLength: key.SaltLength}) == nil
}

func readKey(text []byte) (*rsa.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("no PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, isRSA := key.(*rsa.PublicKey)
	if !isRSA {
		return nil, fmt.Errorf("no RSA key")
	}
	return public, nil
}

// acceptAuthKey checks an upload.
func acceptAuthKey(ask Key, text, signature []byte) (Key, error) {
	if !isSigned(text, signature, ask) {
		return Key{}, Refused("auth-key-signature")
	}
	var export Said
	// Huawei's exports have line feeds inside a string, which JSON does not allow.
	if err := json.Unmarshal(bytes.ReplaceAll(text, []byte("\n"), []byte(`\n`)), &export); err != nil {
		return Key{}, err
	}
	public, err := readKey([]byte(export.PubKey))
	if err != nil {
		return Key{}, err
	}
	salt := export.saltLength()
	switch {
	case public.N.BitLen() != 2048 || public.E != 65537 || (salt != 20 && salt != 32):
		return Key{}, Refused("auth-key-strength")
	case export.CpuID != ask.CpuID || export.UID != ask.UID:
		return Key{}, Refused("auth-key-owner")
	case export.Counter <= ask.Counter:
		return Key{}, Refused("auth-key-counter")
	}
	return Key{public, salt, export.CpuID, export.UID, export.Counter}, nil
}

// checkResult checks an authentication. Returns the counter, now the highest of the device: compare and keep it in one atomic step.
func checkResult(authKey Key, text, signature []byte, challenge string, highestCounter uint64) (uint64, error) {
	// The bytes as they came, and the salt length of the key, not that of the message.
	if !isSigned(text, signature, authKey) {
		return 0, Refused("result-signature")
	}
	var result Said
	if err := json.Unmarshal(text, &result); err != nil {
		return 0, err
	}
	switch {
	case result.saltLength() != authKey.SaltLength:
		return 0, Refused("result-salt")
	case result.CpuID != authKey.CpuID || result.UID != authKey.UID:
		return 0, Refused("result-owner")
	case result.Raw == nil || *result.Raw != challenge:
		return 0, Refused("challenge")
	case result.Counter <= highestCounter:
		return 0, Refused("counter")
	}
	return result.Counter, nil
}

// ----- The cases of `soter-sim vectors DIR`.

type signedFiles struct{ JSON, Signature string }

type testCase struct {
	Name      string
	RefusedBy *string
	Ask       struct {
		Verified        bool
		Key, CpuID, UID string
		Counter         uint64
		SaltLength      int
	}
	AuthKey, Result signedFiles
	Challenge       string
	HighestCounter  uint64
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return value
}

func read(name string) []byte { return must(os.ReadFile(filepath.Join(os.Args[1], name))) }

func judge(test testCase) error {
	if !test.Ask.Verified {
		return Refused("ask")
	}
	ask := Key{must(readKey(read(test.Ask.Key))), test.Ask.SaltLength, test.Ask.CpuID, test.Ask.UID, test.Ask.Counter}
	authKey, err := acceptAuthKey(ask, read(test.AuthKey.JSON), read(test.AuthKey.Signature))
	if err == nil {
		_, err = checkResult(authKey, read(test.Result.JSON), read(test.Result.Signature), test.Challenge, test.HighestCounter)
	}
	return err
}

func main() {
	var manifest struct{ Cases []testCase }
	if err := json.Unmarshal(read("manifest.json"), &manifest); err != nil {
		must(0, err)
	}
	fmt.Println("library: crypto/rsa of", runtime.Version())
	code := 0
	for _, test := range manifest.Cases {
		check, expected := "accepted", "accepted"
		if err := judge(test); err != nil {
			check = err.Error()
		}
		if test.RefusedBy != nil {
			expected = *test.RefusedBy
		}
		fmt.Printf("%s: %s\n", test.Name, check)
		if check != expected {
			code = 1
		}
	}
	os.Exit(code)
}
