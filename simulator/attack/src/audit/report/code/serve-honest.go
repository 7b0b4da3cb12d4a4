package backend

import "encoding/json"

// IsGreater knows that an honest counter is greater than the last one by any number, and has 64 bits: int64, never float64.
func IsGreater(resultJSON string, highest int64) bool {
	var result struct {
		Counter *int64 `json:"counter"`
	}
	err := json.Unmarshal([]byte(resultJSON), &result)
	return err == nil && result.Counter != nil && *result.Counter > highest
}

// SaltLength reads the export of the AuthKey, which says so if the salt has another length than 20.
func SaltLength(authKeyJSON string) (int, error) {
	export := struct {
		SaltLength int `json:"rsa_pss_saltlen"`
	}{SaltLength: 20}
	err := json.Unmarshal([]byte(authKeyJSON), &export)
	return export.SaltLength, err
}
