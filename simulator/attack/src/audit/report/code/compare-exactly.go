package backend

import "encoding/json"

// IsForOrder compares with the challenge that was stored with this session's order. The members are those of the verified text,
// parsed once.
func IsForOrder(members map[string]json.RawMessage, challenge string) bool {
	var raw *string
	err := json.Unmarshal(members["raw"], &raw)
	return err == nil && raw != nil && *raw == challenge
}
