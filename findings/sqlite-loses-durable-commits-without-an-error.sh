#!/usr/bin/env bash
# Package:   apsw 3.54.1.0 (PyPI), which brings SQLite 3.54.1
# Behaviour: damage beside a write-ahead log makes commits disappear that were durable. No error is reported, and
#            `integrity_check` says ok.
#            1. One changed bit in the log: every commit from there on is gone, also the undamaged ones after it. SQLite's
#               checksums of the log only say where it ends.
#            2. A database file that was cut to 0 bytes (a full disk, a failed copy) while its log is complete: the first read
#               removes the log. The log alone would have been enough to restore all rows.
# Seen:      2026-11-29, Linux x86-64
# Output:    before: 10 rows
#            one bit of commit 5 changed: 4 rows, integrity_check ok
#            database cut to 0 bytes: 0 tables, integrity_check ok, log removed
# soter-sim: keeps the number of commits in a file of its own (`wechat.db-mark`) and refuses a ledger that has fewer; refuses a
#            ledger that is cut, before SQLite sees it.
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
used = os.path.join(folder, "used")
os.mkdir(used)
shop = apsw.Connection(os.path.join(used, "shop.db"))
for statement in ["PRAGMA journal_mode = WAL", "CREATE TABLE paid (number)", "PRAGMA wal_checkpoint(TRUNCATE)"]:
    list(shop.execute(statement))
for number in range(10):
    shop.execute("INSERT INTO paid VALUES (?)", (number,))
print(f"before: {shop.execute('SELECT count(*) FROM paid').get} rows")


def killed(name):
    """What is on the disk now is what a killed process leaves."""
    shutil.copytree(used, os.path.join(folder, name), ignore=shutil.ignore_patterns("*-shm"))
    database = os.path.join(folder, name, "shop.db")
    return database, database + "-wal"


database, log = killed("changed")
with open(log, "r+b") as file:
    # A header of 32 bytes, then a frame of 24 + 4096 bytes for each commit.
    file.seek(32 + 4 * (24 + 4096) + 24 + 4000)
    byte = file.read(1)[0]
    file.seek(-1, os.SEEK_CUR)
    file.write(bytes([byte ^ 1]))
reader = apsw.Connection(database)
rows = reader.execute("SELECT count(*) FROM paid").get
print(f"one bit of commit 5 changed: {rows} rows, integrity_check {reader.execute('PRAGMA integrity_check').get}")

database, log = killed("cut")
os.truncate(database, 0)
reader = apsw.Connection(database)
tables = reader.execute("SELECT count(*) FROM sqlite_schema").get
check = reader.execute("PRAGMA integrity_check").get
reader.close()
print(f"database cut to 0 bytes: {tables} tables, integrity_check {check}, log {'kept' if os.path.exists(log) else 'removed'}")
PY
output=$("$folder/venv/bin/python" "$folder/show.py" "$folder")
printf '%s\n' "$output"
expected='before: 10 rows
one bit of commit 5 changed: 4 rows, integrity_check ok
database cut to 0 bytes: 0 tables, integrity_check ok, log removed'
[ "$output" = "$expected" ]
