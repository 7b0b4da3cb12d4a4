package backend

import "encoding/json"

// IsForOrder compares with the challenge that was stored with this session's order.
func IsForOrder(resultJSON, challenge string) bool {
	var result struct {
		Raw *string `json:"raw"`
	}
	err := json.Unmarshal([]byte(resultJSON), &result)
	return err == nil && result.Raw != nil && *result.Raw == challenge
}
