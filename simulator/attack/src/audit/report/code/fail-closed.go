package backend

import (
	"encoding/json"
	"net/http"
)

// IsVerified is true for one answer alone: status 200, JSON, and is_ok is the boolean true. Give the client a timeout;
// after an error, ask again later, and pay nothing until then.
func IsVerified(answer *http.Response, err error) bool {
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	var verdict struct {
		IsOK *bool `json:"is_ok"`
	}
	err = json.NewDecoder(answer.Body).Decode(&verdict)
	return err == nil && answer.StatusCode == http.StatusOK && verdict.IsOK != nil && *verdict.IsOK
}
