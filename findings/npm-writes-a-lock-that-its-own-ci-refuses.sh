#!/usr/bin/env bash
# Package:   npm 11.19.1, with wx-server-sdk 4.0.2, 2.6.3 and 0.4.3 side by side (aliases)
# Behaviour: `npm install` with the aliases on the command line succeeds, and writes a package-lock.json that lacks dependencies of one
#            of them. `npm ci`, right after it, refuses that file, so that a build breaks on the next machine. A second
#            `npm install`, without arguments, completes the file.
# Seen:      2026-11-30, Linux x86-64, Node 20.20
# Output:    npm install sdk-4@… sdk-2@… sdk-0@…: 0; npm ci: 1, Missing: tcb-admin-node@1.23.0 from lock file
#            npm install, a second time: 0; npm ci: 0, in sync
# soter-sim: the folders of its tests with several generations of an SDK have lock files from an `npm install` without arguments.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/npm" "$folder/project"
cd "$folder/npm"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund npm@11.19.1
npm_11() { node "$folder/npm/node_modules/npm/bin/npm-cli.js" "$@" --no-audit --no-fund --ignore-scripts >"$folder/log" 2>&1; }
cd "$folder/project"
npm init --yes >/dev/null
try() {
  local what=$1 installed=0 clean=0 missing
  shift
  npm_11 install "$@" || installed=$?
  npm_11 ci || clean=$?
  missing=$(grep -o 'Missing: tcb-admin-node@.*' "$folder/log" || echo "in sync")
  echo "$what: $installed; npm ci: $clean, $missing"
}
output=$(
  try 'npm install sdk-4@… sdk-2@… sdk-0@…' \
    sdk-4@npm:wx-server-sdk@4.0.2 sdk-2@npm:wx-server-sdk@2.6.3 sdk-0@npm:wx-server-sdk@0.4.3
  try 'npm install, a second time'
)
printf '%s\n' "$output"
expected='npm install sdk-4@… sdk-2@… sdk-0@…: 0; npm ci: 1, Missing: tcb-admin-node@1.23.0 from lock file
npm install, a second time: 0; npm ci: 0, in sync'
[ "$output" = "$expected" ]
