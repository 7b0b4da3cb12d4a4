package backend

import (
	"encoding/json"
	"log"
	"net/http"
)

// LoginAnswer is a type of its own: session_key and openid cannot be in it. So is that of an order.
type LoginAnswer struct {
	Token string `json:"token"`
}

// WriteAnswer keeps the text of an error in the log.
func WriteAnswer(w http.ResponseWriter, answer LoginAnswer, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		log.Print(err)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(`{"error":"internal"}`))
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}
