#!/usr/bin/env bash
# Package:   apsw 3.54.1.0 (PyPI), which brings SQLite 3.54.1
# Behaviour: if the database file was cut to 0 bytes (a full disk, a failed copy) while its write-ahead log is still complete,
#            the first read of the database removes the log, with everything in it. Nothing is reported: the database is
#            empty, and `integrity_check` says ok. The log alone would have been enough to restore all rows.
# Seen:      2026-11-29, Linux x86-64
# Output:    before: shop.db 0 bytes, shop.db-wal 16512 bytes
#            read: 0 tables, integrity_check ok
#            after: shop.db 0 bytes
# soter-sim: refuses a ledger that is cut beside its log, before SQLite sees it (`check_length` in the ledger's store).
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
for number in range(4):
    shop.execute("INSERT INTO paid VALUES (?)", (number,))
# What is on the disk now is what a killed process leaves.
shutil.copytree(used, killed, ignore=shutil.ignore_patterns("*-shm"))
database = os.path.join(killed, "shop.db")
os.truncate(database, 0)


def files():
    return ", ".join(f"{name} {os.path.getsize(os.path.join(killed, name))} bytes" for name in sorted(os.listdir(killed)))


print("before:", files())
reader = apsw.Connection(database)
tables = reader.execute("SELECT count(*) FROM sqlite_schema").get
print(f"read: {tables} tables, integrity_check {reader.execute('PRAGMA integrity_check').get}")
reader.close()
print("after:", files())
PY
output=$("$folder/venv/bin/python" "$folder/show.py" "$folder")
printf '%s\n' "$output"
expected='before: shop.db 0 bytes, shop.db-wal 16512 bytes
read: 0 tables, integrity_check ok
after: shop.db 0 bytes'
[ "$output" = "$expected" ]
