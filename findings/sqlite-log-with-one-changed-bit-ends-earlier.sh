#!/usr/bin/env bash
# Package:   apsw 3.54.1.0 (PyPI), which brings SQLite 3.54.1
# Behaviour: one changed bit in the write-ahead log makes every commit from there on disappear, also the undamaged ones after it.
#            SQLite takes the log for one that ended there. No error is reported, and `integrity_check` says ok: a program that
#            trusts it serves a state from before commits that were durable. SQLite's checksums of the log only say where it ends.
# Seen:      2026-11-29, Linux x86-64
# Output:    before: 10 rows
#            one bit of commit 5 changed: 4 rows, integrity_check ok
# soter-sim: keeps the number of commits in a file of its own (`wechat.db-mark`), and refuses a ledger that has fewer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check apsw==3.54.1.0
cat >"$folder/show.py" <<'PY'
import os
import shutil
import sys

import apsw

folder = sys.argv[1]
used, killed = os.path.join(folder, "used"), os.path.join(folder, "killed")
os.mkdir(used)
shop = apsw.Connection(os.path.join(used, "shop.db"))
for statement in ["PRAGMA journal_mode = WAL", "CREATE TABLE paid (number)", "PRAGMA wal_checkpoint(TRUNCATE)"]:
    list(shop.execute(statement))
for number in range(10):
    shop.execute("INSERT INTO paid VALUES (?)", (number,))
print(f"before: {shop.execute('SELECT count(*) FROM paid').get} rows")
# What is on the disk now is what a killed process leaves.
shutil.copytree(used, killed, ignore=shutil.ignore_patterns("*-shm"))
log = os.path.join(killed, "shop.db-wal")
with open(log, "r+b") as file:
    # A header of 32 bytes, then a frame of 24 + 4096 bytes for each commit.
    file.seek(32 + 4 * (24 + 4096) + 24 + 4000)
    byte = file.read(1)[0]
    file.seek(-1, os.SEEK_CUR)
    file.write(bytes([byte ^ 1]))
reader = apsw.Connection(os.path.join(killed, "shop.db"))
rows = reader.execute("SELECT count(*) FROM paid").get
print(f"one bit of commit 5 changed: {rows} rows, integrity_check {reader.execute('PRAGMA integrity_check').get}")
PY
output=$("$folder/venv/bin/python" "$folder/show.py" "$folder")
printf '%s\n' "$output"
expected='before: 10 rows
one bit of commit 5 changed: 4 rows, integrity_check ok'
[ "$output" = "$expected" ]
