// A Go program of the standard library, with WeChat's own address: token, session, a good and a tampered result.
//
// Run as:  soter-sim exec --tls --touch auto -- go run tests/sdks/no_sdk/verify.go
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
)

const wechat = "https://api.weixin.qq.com"

// The answers, as far as this program reads them.
type answer struct {
	AccessToken string `json:"access_token"`
	Openid      string `json:"openid"`
	Errcode     int    `json:"errcode"`
	IsOk        *bool  `json:"is_ok"`
}

type callback struct {
	Code                string `json:"code"`
	ResultJSON          string `json:"resultJSON"`
	ResultJSONSignature string `json:"resultJSONSignature"`
	ErrMsg              string `json:"errMsg"`
}

func main() {
	app := url.Values{"appid": {os.Getenv("SOTER_SIM_APPID")}, "secret": {os.Getenv("SOTER_SIM_SECRET")}}

	app.Set("grant_type", "client_credential")
	token := get("/cgi-bin/token", app).AccessToken

	app.Set("grant_type", "authorization_code")
	app.Set("js_code", phone("wx.login", nil).Code)
	openid := get("/sns/jscode2session", app).Openid

	signed := phone("wx.startSoterAuthentication", map[string]any{"requestAuthModes": []string{"fingerPrint"}, "challenge": "order-42"})
	tampered := strings.Replace(signed.ResultJSON, "order-42", "order-43", 1)
	for _, result := range []struct {
		json string
		good bool
	}{{tampered, false}, {signed.ResultJSON, true}} {
		body := map[string]string{"openid": openid, "json_string": result.json, "json_signature": signed.ResultJSONSignature}
		var verdict answer
		post(wechat+"/cgi-bin/soter/verify_signature?"+url.Values{"access_token": {token}}.Encode(), body, &verdict)
		if verdict.Errcode != 0 || verdict.IsOk == nil || *verdict.IsOk != result.good {
			log.Fatalf("%s: not %v: %+v", result.json, result.good, verdict)
		}
	}
	fmt.Println("Go: token, session, tampered, good: as with WeChat")
}

// Calls the phone as a front end does.
func phone(method string, params any) callback {
	var answer struct{ Result callback }
	post(os.Getenv("SOTER_SIM_URL")+"/rpc", map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, &answer)
	if !strings.HasSuffix(answer.Result.ErrMsg, ":ok") {
		log.Fatalf("%s: %+v", method, answer)
	}
	return answer.Result
}

func get(path string, query url.Values) (answered answer) {
	response, err := http.Get(wechat + path + "?" + query.Encode())
	read(response, err, &answered)
	if answered.Errcode != 0 {
		log.Fatalf("%s: %+v", path, answered)
	}
	return answered
}

func post(address string, body, answered any) {
	text, err := json.Marshal(body)
	if err != nil {
		log.Fatal(err)
	}
	response, err := http.Post(address, "application/json", bytes.NewReader(text))
	read(response, err, answered)
}

func read(response *http.Response, err error, answered any) {
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(answered); err != nil {
		log.Fatal(err)
	}
}
