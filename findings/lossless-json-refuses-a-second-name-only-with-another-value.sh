#!/usr/bin/env bash
# Package:   lossless-json 4.3.3 (npm)
# Behaviour: A parser that is chosen because it refuses objects with a name twice refuses them only if the two values differ. The
#            same name with the same value, also with nested values, is taken without an error. Numbers that are equal but
#            written differently count as different.
# Seen:      2026-11-30, Linux x86-64, Node 20.20
# Output:    counter 7 and 8: refused; 7 and 7: taken; 7 and 7.0: refused; two equal objects: taken
# soter-sim: the code for Node in its reports says so. Two equal values cannot be read in two ways.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund lossless-json@4.3.3
output=$(node --input-type=commonjs -e '
const { parse, stringify } = require("lossless-json");
for (const text of [
  "{\"counter\":7,\"counter\":8}",
  "{\"counter\":7,\"counter\":7}",
  "{\"counter\":7,\"counter\":7.0}",
  "{\"a\":{\"b\":[1,2]},\"a\":{\"b\":[1,2]}}",
]) {
  try {
    console.log(text, "=>", stringify(parse(text)));
  } catch (error) {
    console.log(text, "=> refused:", error.message);
  }
}')
printf '%s\n' "$output"
expected=$(cat <<'LINES'
{"counter":7,"counter":8} => refused: Duplicate key 'counter' encountered at position 14
{"counter":7,"counter":7} => {"counter":7}
{"counter":7,"counter":7.0} => refused: Duplicate key 'counter' encountered at position 14
{"a":{"b":[1,2]},"a":{"b":[1,2]}} => {"a":{"b":[1,2]}}
LINES
)
[ "$output" = "$expected" ]
