// The server of a metro's Android app: rides are confirmed by fingerprint. It verifies signatures itself;
// only whether an ASK is a real phone's is asked of WeChat's TAM.
package main

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

var (
	weChat, appID, secret = os.Getenv("SOTER_SIM_URL"), os.Getenv("SOTER_SIM_APPID"), os.Getenv("SOTER_SIM_SECRET")
	client                = &http.Client{Timeout: 5 * time.Second}
	mutex                 sync.Mutex
	passengers            = map[string]*passenger{} // by token
	rides                 = map[string]*ride{}
	counters              = map[string]uint64{} // by cpu_id
)

type passenger struct {
	openID string
	until  time.Time
}

type ride struct {
	openID, challenge, state string
	until                    time.Time
}

type device struct {
	ask, key *rsa.PublicKey
	salt     int
	cpu, uid string
}

// devices has the phones of each passenger, by openid.
var devices = map[string]*device{}

// document is an exported key, or a result.
type document struct {
	Raw     string  `json:"raw"`
	PubKey  string  `json:"pub_key"`
	CPU     string  `json:"cpu_id"`
	UID     string  `json:"uid"`
	Counter *uint64 `json:"counter"`
	Salt    *int    `json:"rsa_pss_saltlen"`
}

func random(bytes int) string {
	buffer := make([]byte, bytes)
	if _, err := rand.Read(buffer); err != nil {
		panic(err)
	}
	return hex.EncodeToString(buffer)
}

func ask(path string, body any, answer any) error {
	data, _ := json.Marshal(body)
	response, err := client.Post(weChat+path, "application/json", bytes.NewReader(data))
	if err != nil {
		return errors.New("WeChat does not answer")
	}
	defer response.Body.Close()
	return json.NewDecoder(io.LimitReader(response.Body, 1<<16)).Decode(answer)
}

func isGenuine(text, signature string) bool {
	var token struct {
		AccessToken string `json:"access_token"`
	}
	grant := map[string]string{"grant_type": "client_credential", "appid": appID, "secret": secret}
	if ask("/cgi-bin/stable_token", grant, &token) != nil || token.AccessToken == "" {
		return false
	}
	var answer struct {
		ErrCode    int  `json:"errcode"`
		IsVerified bool `json:"is_verified"`
	}
	body := map[string]string{"ask_json": text, "ask_json_signature": signature}
	err := ask("/cgi-bin/soter_3rdapp/verify_ask?access_token="+url.QueryEscape(token.AccessToken), body, &answer)
	return err == nil && answer.ErrCode == 0 && answer.IsVerified
}

func parse(text string) (document, bool) {
	var d document
	err := json.Unmarshal([]byte(text), &d)
	return d, err == nil && d.CPU != "" && d.UID != "" && d.Counter != nil
}

func (d document) saltLength() int {
	if d.Salt == nil {
		return 20
	}
	return *d.Salt
}

func (d document) key() *rsa.PublicKey {
	block, _ := pem.Decode([]byte(d.PubKey))
	if block == nil {
		return nil
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(*rsa.PublicKey)
	if err != nil || !ok || key.N.BitLen() != 2048 || key.E != 65537 {
		return nil
	}
	return key
}

func isSigned(text, signature string, key *rsa.PublicKey, salt int) bool {
	bytes, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || salt < 20 {
		return false
	}
	digest := sha256.Sum256([]byte(text))
	return rsa.VerifyPSS(key, crypto.SHA256, digest[:], bytes, &rsa.PSSOptions{SaltLength: salt, Hash: crypto.SHA256}) == nil
}

type handler func(openID string, in map[string]string) (any, error)

func login(_ string, in map[string]string) (any, error) {
	var session struct {
		OpenID string `json:"openid"`
	}
	query := url.Values{"appid": {appID}, "secret": {secret}, "js_code": {in["code"]}, "grant_type": {"authorization_code"}}
	if ask("/sns/jscode2session?"+query.Encode(), nil, &session) != nil || session.OpenID == "" {
		return nil, errors.New("unknown code")
	}
	token := random(24)
	mutex.Lock()
	defer mutex.Unlock()
	passengers[token] = &passenger{session.OpenID, time.Now().Add(2 * time.Hour)}
	return map[string]string{"token": token}, nil
}

// uploadKeys takes an ASK and an AuthKey, as the SDK uploads them.
func uploadKeys(openID string, in map[string]string) (any, error) {
	parent, ok := parse(in["ask_json"])
	child, childOK := parse(in["auth_key_json"])
	if !ok || !childOK || parent.key() == nil || child.key() == nil {
		return nil, errors.New("not keys")
	}
	if !isGenuine(in["ask_json"], in["ask_signature"]) {
		return nil, errors.New("not a known phone")
	}
	if !isSigned(in["auth_key_json"], in["auth_key_signature"], parent.key(), parent.saltLength()) {
		return nil, errors.New("the AuthKey is not signed by the ASK")
	}
	if child.CPU != parent.CPU || child.UID != parent.UID || *child.Counter <= *parent.Counter {
		return nil, errors.New("the AuthKey does not belong to the ASK")
	}
	mutex.Lock()
	defer mutex.Unlock()
	if *child.Counter <= counters[child.CPU] {
		return nil, errors.New("an old export")
	}
	counters[child.CPU] = *child.Counter
	devices[openID] = &device{parent.key(), child.key(), child.saltLength(), child.CPU, child.UID}
	return map[string]string{"device": child.CPU}, nil
}

func begin(openID string, _ map[string]string) (any, error) {
	id, r := random(8), &ride{openID, random(32), "waiting", time.Now().Add(5 * time.Minute)}
	mutex.Lock()
	defer mutex.Unlock()
	rides[id] = r
	return map[string]any{"ride": id, "fen": 400, "challenge": r.challenge}, nil
}

func confirm(openID string, in map[string]string) (any, error) {
	mutex.Lock()
	defer mutex.Unlock()
	r, phone := rides[in["ride"]], devices[openID]
	if r == nil || phone == nil || r.openID != openID || r.state != "waiting" || time.Now().After(r.until) {
		return nil, errors.New("no such ride waits")
	}
	result, ok := parse(in["json"])
	if !ok || !isSigned(in["json"], in["signature"], phone.key, phone.salt) {
		return nil, errors.New("the signature does not hold")
	}
	if result.Raw != r.challenge || result.CPU != phone.cpu || result.UID != phone.uid || *result.Counter <= counters[phone.cpu] {
		return nil, errors.New("another ride, another phone, or an old result")
	}
	counters[phone.cpu] = *result.Counter
	r.state = "confirmed"
	return map[string]string{"state": r.state}, nil
}

func main() {
	mux := http.NewServeMux()
	for path, handle := range map[string]handler{"/login": login, "/keys": uploadKeys, "/ride": begin, "/ride/confirm": confirm} {
		path, handle := path, handle
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			in := map[string]string{}
			if json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<15)).Decode(&in) != nil {
				w.WriteHeader(400)
				return
			}
			mutex.Lock()
			who := passengers[r.Header.Get("X-Token")]
			mutex.Unlock()
			if path != "/login" && (who == nil || time.Now().After(who.until)) {
				w.WriteHeader(401)
				return
			}
			openID := ""
			if who != nil {
				openID = who.openID
			}
			answer, err := handle(openID, in)
			if err != nil {
				w.WriteHeader(403)
				answer = map[string]string{"error": err.Error()}
			}
			json.NewEncoder(w).Encode(answer)
		})
	}
	address := "127.0.0.1:" + os.Getenv("PORT")
	fmt.Println("metro on", address)
	fmt.Println(http.ListenAndServe(address, mux))
}
