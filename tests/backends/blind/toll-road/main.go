// Toll road: trips are paid by fingerprint. Each address has ten requests a second, and must wait after that.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
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
	drivers               = map[string]driver{}
	trips                 = map[string]*trip{}
	counters              = map[string]int64{}
	buckets               = map[string]*bucket{}
)

const perSecond, burst = 10, 10

// bucket has the requests that an address may still send.
type bucket struct {
	left float64
	at   time.Time
}

type driver struct {
	openID string
	until  time.Time
}

type trip struct {
	driver, state, challenge string
	until                    time.Time
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

// mayPass takes one request out of the address's bucket.
func mayPass(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	mutex.Lock()
	defer mutex.Unlock()
	b := buckets[host]
	if b == nil {
		b = &bucket{burst, time.Now()}
		buckets[host] = b
	}
	b.left += time.Since(b.at).Seconds() * perSecond
	b.at = time.Now()
	if b.left > burst {
		b.left = burst
	}
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

func send(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func fail(w http.ResponseWriter, status int, reason string) {
	send(w, status, map[string]any{"error": reason})
}

func login(w http.ResponseWriter, in map[string]string, _ string) {
	query := url.Values{"appid": {appID}, "secret": {secret}, "js_code": {in["code"]}, "grant_type": {"authorization_code"}}
	var session struct {
		OpenID string `json:"openid"`
	}
	if err := ask("/sns/jscode2session?"+query.Encode(), nil, &session); err != nil || session.OpenID == "" {
		fail(w, 401, "WeChat does not know the code")
		return
	}
	token := random(24)
	mutex.Lock()
	drivers[token] = driver{session.OpenID, time.Now().Add(2 * time.Hour)}
	mutex.Unlock()
	send(w, 200, map[string]any{"token": token})
}

func begin(w http.ResponseWriter, _ map[string]string, openID string) {
	id, t := random(8), &trip{openID, "open", random(32), time.Now().Add(5 * time.Minute)}
	mutex.Lock()
	trips[id] = t
	mutex.Unlock()
	send(w, 200, map[string]any{"trip": id, "fen": 2500, "challenge": t.challenge})
}

func pay(w http.ResponseWriter, in map[string]string, openID string) {
	mutex.Lock()
	t := trips[in["trip"]]
	if t == nil || t.driver != openID || t.state != "open" || time.Now().After(t.until) {
		mutex.Unlock()
		fail(w, 409, "no such trip is open")
		return
	}
	t.state = "refused"
	mutex.Unlock()
	if err := verify(openID, in["resultJSON"], in["resultJSONSignature"]); err != nil {
		fail(w, 403, "not confirmed")
		return
	}
	var result struct {
		Raw     *string `json:"raw"`
		CPU     string  `json:"cpu_id"`
		Counter *int64  `json:"counter"`
	}
	if json.Unmarshal([]byte(in["resultJSON"]), &result) != nil || result.Raw == nil || result.CPU == "" || result.Counter == nil {
		fail(w, 403, "not a result")
		return
	}
	mutex.Lock()
	defer mutex.Unlock()
	if *result.Raw != t.challenge || *result.Counter <= counters[result.CPU] {
		fail(w, 403, "another trip, or an old result")
		return
	}
	counters[result.CPU] = *result.Counter
	t.state = "paid"
	send(w, 200, map[string]any{"trip": in["trip"], "state": t.state})
}

func main() {
	mux := http.NewServeMux()
	handlers := map[string]func(http.ResponseWriter, map[string]string, string){"/login": login, "/trip": begin, "/pay": pay}
	for path, handler := range handlers {
		path, handler := path, handler
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if !mayPass(r.RemoteAddr) {
				w.Header().Set("Retry-After", "1")
				fail(w, 429, "slow down")
				return
			}
			in := map[string]string{}
			if json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<14)).Decode(&in) != nil {
				fail(w, 400, "texts in JSON, please")
				return
			}
			mutex.Lock()
			who, ok := drivers[r.Header.Get("X-Token")]
			mutex.Unlock()
			if path != "/login" && (!ok || time.Now().After(who.until)) {
				fail(w, 401, "log in again")
				return
			}
			handler(w, in, who.openID)
		})
	}
	address := "127.0.0.1:" + os.Getenv("PORT")
	fmt.Println("toll road on", address)
	fmt.Println(http.ListenAndServe(address, mux))
}
