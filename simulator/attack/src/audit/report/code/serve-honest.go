package backend

import "encoding/json"

// IsGreater knows that an honest counter is greater than the last one by any number, and has 64 bits: int64, never float64. The
// members are those of the verified text, parsed once.
func IsGreater(members map[string]json.RawMessage, highest int64) bool {
	var counter *int64
	err := json.Unmarshal(members["counter"], &counter)
	return err == nil && counter != nil && *counter > highest
}

// SaltLength reads the export of the AuthKey, which says so if the salt has another length than 20.
func SaltLength(authKeyJSON string) (int, error) {
	export := struct {
		SaltLength int `json:"rsa_pss_saltlen"`
	}{SaltLength: 20}
	err := json.Unmarshal([]byte(authKeyJSON), &export)
	return export.SaltLength, err
}
