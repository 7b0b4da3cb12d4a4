// Gym: courses are booked and paid by fingerprint. The session is a JWT, so that several servers need no common memory.
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

var (
	weChat, appID, secret = os.Getenv("SOTER_SIM_URL"), os.Getenv("SOTER_SIM_APPID"), os.Getenv("SOTER_SIM_SECRET")
	jwtKey                = random(32)
	client                = &http.Client{Timeout: 5 * time.Second}
	mutex                 sync.Mutex
	bookings              = map[string]*booking{}
	counters              = map[string]int64{}
)

type booking struct {
	Member, Course, State string
	challenge             string
	until                 time.Time
}

type claims struct {
	Subject string `json:"sub"`
	Expires int64  `json:"exp"`
}

func random(bytes int) string {
	buffer := make([]byte, bytes)
	if _, err := rand.Read(buffer); err != nil {
		panic(err)
	}
	return hex.EncodeToString(buffer)
}

func ask(path string, body, answer any) error {
	var response *http.Response
	var err error
	if body == nil {
		response, err = client.Get(weChat + path)
	} else {
		data, _ := json.Marshal(body)
		response, err = client.Post(weChat+path, "application/json", bytes.NewReader(data))
	}
	if err != nil {
		return errors.New("WeChat does not answer")
	}
	defer response.Body.Close()
	return json.NewDecoder(io.LimitReader(response.Body, 1<<16)).Decode(answer)
}

func verify(openID, result, signature string) error {
	var token struct {
		AccessToken string `json:"access_token"`
	}
	grant := map[string]string{"grant_type": "client_credential", "appid": appID, "secret": secret}
	if err := ask("/cgi-bin/stable_token", grant, &token); err != nil || token.AccessToken == "" {
		return errors.New("WeChat gives no token")
	}
	var answer struct {
		ErrCode int   `json:"errcode"`
		IsOK    *bool `json:"is_ok"`
	}
	claim := map[string]string{"openid": openID, "json_string": result, "json_signature": signature}
	if err := ask("/cgi-bin/soter/verify_signature?access_token="+url.QueryEscape(token.AccessToken), claim, &answer); err != nil {
		return err
	}
	if answer.ErrCode != 0 || answer.IsOK == nil || !*answer.IsOK {
		return errors.New("the signature does not hold")
	}
	return nil
}

func issue(openID string) string {
	payload, _ := json.Marshal(claims{openID, time.Now().Add(2 * time.Hour).Unix()})
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	mac := hmac.New(sha256.New, []byte(jwtKey))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// member reads who sends the request.
func member(r *http.Request) (string, bool) {
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return "", false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var c claims
	if json.Unmarshal(payload, &c) != nil || c.Subject == "" || time.Now().Unix() > c.Expires {
		return "", false
	}
	return c.Subject, true
}

func send(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func fail(w http.ResponseWriter, status int, reason string) {
	send(w, status, map[string]string{"error": reason})
}

func login(w http.ResponseWriter, r *http.Request) {
	query := url.Values{"appid": {appID}, "secret": {secret}, "js_code": {r.PostFormValue("code")}, "grant_type": {"authorization_code"}}
	var session struct {
		OpenID string `json:"openid"`
	}
	if err := ask("/sns/jscode2session?"+query.Encode(), nil, &session); err != nil || session.OpenID == "" {
		fail(w, 401, "WeChat does not know the code")
		return
	}
	send(w, 200, map[string]string{"jwt": issue(session.OpenID)})
}

func book(w http.ResponseWriter, r *http.Request) {
	openID, ok := member(r)
	if !ok {
		fail(w, 401, "log in again")
		return
	}
	id, b := random(8), &booking{openID, r.PostFormValue("course"), "booked", random(32), time.Now().Add(5 * time.Minute)}
	mutex.Lock()
	defer mutex.Unlock()
	bookings[id] = b
	send(w, 200, map[string]any{"booking": id, "fen": 8000, "challenge": b.challenge})
}

func list(w http.ResponseWriter, r *http.Request) {
	openID, ok := member(r)
	if !ok {
		fail(w, 401, "log in again")
		return
	}
	mutex.Lock()
	defer mutex.Unlock()
	mine := map[string]booking{}
	for id, b := range bookings {
		if b.Member == openID {
			mine[id] = booking{"", b.Course, b.State, "", b.until}
		}
	}
	send(w, 200, mine)
}

func pay(w http.ResponseWriter, r *http.Request) {
	openID, ok := member(r)
	if !ok {
		fail(w, 401, "log in again")
		return
	}
	mutex.Lock()
	defer mutex.Unlock()
	b := bookings[r.PostFormValue("booking")]
	if b == nil || b.Member != openID || b.State != "booked" || time.Now().After(b.until) {
		fail(w, 409, "no such booking is open")
		return
	}
	text := r.PostFormValue("resultJSON")
	if err := verify(openID, text, r.PostFormValue("resultJSONSignature")); err != nil {
		fail(w, 403, err.Error())
		return
	}
	var result struct {
		Raw     *string `json:"raw"`
		CPU     string  `json:"cpu_id"`
		Counter *int64  `json:"counter"`
	}
	if json.Unmarshal([]byte(text), &result) != nil || result.Raw == nil || result.CPU == "" || result.Counter == nil {
		fail(w, 403, "not a result")
		return
	}
	if *result.Raw != b.challenge || *result.Counter <= counters[result.CPU] {
		fail(w, 403, "another challenge, or an old result")
		return
	}
	counters[result.CPU] = *result.Counter
	b.State = "paid"
	send(w, 200, map[string]string{"state": b.State})
}

func main() {
	mux := http.NewServeMux()
	for path, handler := range map[string]http.HandlerFunc{"/login": login, "/book": book, "/bookings": list, "/pay": pay} {
		handler := handler
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 1<<14)
			handler(w, r)
		})
	}
	address := "127.0.0.1:" + os.Getenv("PORT")
	fmt.Println("gym on", address)
	fmt.Println(http.ListenAndServe(address, mux))
}
