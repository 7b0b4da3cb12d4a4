// Bike rental: a bike is unlocked by fingerprint. Answers are always 200, with a code inside.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
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
	riders                = map[string]rider{}
	rides                 = map[string]*ride{}
	counters              = map[string]int64{}
)

type rider struct {
	openID string
	until  time.Time
}

type ride struct {
	rider, state, challenge string
	until                   time.Time
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
		return err
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

func send(w http.ResponseWriter, code int, msg string, data any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"code": code, "msg": msg, "data": data})
}

func who(r *http.Request) (string, bool) {
	mutex.Lock()
	defer mutex.Unlock()
	found, ok := riders[r.Header.Get("X-Token")]
	return found.openID, ok && time.Now().Before(found.until)
}

func login(w http.ResponseWriter, r *http.Request, in map[string]string) {
	var session struct {
		OpenID string `json:"openid"`
	}
	path := fmt.Sprintf("/sns/jscode2session?appid=%s&secret=%s&grant_type=authorization_code&js_code=%s", appID, secret, in["code"])
	if err := ask(path, nil, &session); err != nil {
		send(w, 50001, err.Error(), nil)
		return
	}
	if session.OpenID == "" {
		send(w, 40100, "invalid code", nil)
		return
	}
	token := random(24)
	mutex.Lock()
	defer mutex.Unlock()
	riders[token] = rider{session.OpenID, time.Now().Add(2 * time.Hour)}
	send(w, 0, "ok", map[string]string{"token": token})
}

func unlock(w http.ResponseWriter, r *http.Request, in map[string]string) {
	openID, ok := who(r)
	if !ok {
		send(w, 40101, "log in again", nil)
		return
	}
	id, new := random(8), &ride{openID, "waiting", random(32), time.Now().Add(5 * time.Minute)}
	mutex.Lock()
	defer mutex.Unlock()
	rides[id] = new
	send(w, 0, "ok", map[string]any{"ride": map[string]any{"id": id, "fen": 150}, "auth": map[string]string{"challenge": new.challenge}})
}

func confirm(w http.ResponseWriter, r *http.Request, in map[string]string) {
	openID, ok := who(r)
	if !ok {
		send(w, 40101, "log in again", nil)
		return
	}
	mutex.Lock()
	defer mutex.Unlock()
	wanted := rides[in["ride"]]
	if wanted == nil || wanted.rider != openID || wanted.state != "waiting" || time.Now().After(wanted.until) {
		send(w, 40900, "no such ride waits", nil)
		return
	}
	wanted.state = "refused"
	if err := verify(openID, in["resultJSON"], in["resultJSONSignature"]); err != nil {
		send(w, 40300, "not confirmed", nil)
		return
	}
	var result struct {
		Raw     *string `json:"raw"`
		CPU     string  `json:"cpu_id"`
		Counter *int64  `json:"counter"`
	}
	if json.Unmarshal([]byte(in["resultJSON"]), &result) != nil || result.Raw == nil || result.CPU == "" || result.Counter == nil {
		send(w, 40301, "not a result", nil)
		return
	}
	if *result.Raw != wanted.challenge || *result.Counter <= counters[result.CPU] {
		send(w, 40302, "another challenge, or an old result", nil)
		return
	}
	counters[result.CPU] = *result.Counter
	wanted.state = "riding"
	send(w, 0, "ok", map[string]string{"state": wanted.state})
}

func main() {
	mux := http.NewServeMux()
	handlers := map[string]func(http.ResponseWriter, *http.Request, map[string]string){"/api/login": login, "/api/unlock": unlock, "/api/confirm": confirm}
	for path, handler := range handlers {
		handler := handler
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			in := map[string]string{}
			if json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<14)).Decode(&in) != nil {
				send(w, 40000, "texts in JSON, please", nil)
				return
			}
			handler(w, r, in)
		})
	}
	address := "127.0.0.1:" + os.Getenv("PORT")
	fmt.Println("bike rental on", address)
	fmt.Println(http.ListenAndServe(address, mux))
}
