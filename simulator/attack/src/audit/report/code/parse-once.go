package backend

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// ReadResult parses the very text that was verified, once. encoding/json alone would take the last of two equal names, and
// take Counter for counter.
func ReadResult(resultJSON string) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(strings.NewReader(resultJSON))
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	members := map[string]json.RawMessage{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		if _, isThere := members[name.(string)]; isThere {
			return nil, errors.New("a name occurs twice")
		}
		members[name.(string)] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("there is something behind the object")
	}
	return members, nil
}
