#!/usr/bin/env bash
# Package:   PostgreSQL 16.2 (in pgserver 0.1.4, PyPI), psycopg 3.2.10 (PyPI)
# Behaviour: "insert the row, and read it if it is there already" in one statement answers nothing if the other transaction is
#            still open when the statement begins. INSERT … ON CONFLICT DO NOTHING waits for it and finds the conflict, but the
#            SELECT beside it keeps the snapshot from before the wait. The row is there, the statement has not inserted it, and it
#            does not show it. A second statement does, at READ COMMITTED.
# Seen:      2026-11-29, Linux x86-64
# Output:    the other transaction has ended: found first
#            the other transaction is open: found nothing
#            the same statement once more: found first
# soter-sim: looks up a group of counters whose commit is in doubt with two statements
#            (`host-bridge/wechat/src/ledger/postgres/spending.rs`).
set -euo pipefail
folder=$(mktemp -d)
as=(env)
bin=
stop() {
  "${as[@]}" "$bin/pg_ctl" -D "$folder/cluster/data" -w -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check pgserver==0.1.4 'psycopg[binary]==3.2.10'
bin=$("$folder/python/bin/python" -c 'import pathlib, pgserver; print(pathlib.Path(pgserver.__file__).parent / "pginstall/bin")')
chmod 755 "$folder"
mkdir "$folder/cluster"
if [ "$(id -u)" = 0 ]; then
  # PostgreSQL refuses to run as root.
  as=(setpriv "--reuid=nobody" "--regid=$(id -gn nobody)" --clear-groups)
  chown nobody "$folder/cluster"
fi
"${as[@]}" "$bin/initdb" -D "$folder/cluster/data" -U finding -A trust -N >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$folder/cluster/data" -w -l "$folder/cluster/log" \
  -o "-c listen_addresses='' -c unix_socket_directories='$folder/cluster'" start >/dev/null
cat >"$folder/finding.py" <<'PYTHON'
import sys
import threading
import time

import psycopg

STATEMENT = """
    WITH new AS (INSERT INTO t (id, owner) VALUES (1, 'second') ON CONFLICT (id) DO NOTHING RETURNING owner)
    SELECT owner FROM new UNION ALL SELECT owner FROM t WHERE id = 1"""


def connect(autocommit):
    return psycopg.connect(host=sys.argv[1], user="finding", dbname="postgres", autocommit=autocommit)


def found(connection):
    return ", ".join(owner for (owner,) in connection.execute(STATEMENT)) or "nothing"


with connect(False) as first, connect(True) as second:
    second.execute("CREATE TABLE t (id int PRIMARY KEY, owner text)")
    first.execute("INSERT INTO t VALUES (1, 'first')")
    first.commit()
    print("the other transaction has ended: found", found(second))
    second.execute("DELETE FROM t")
    first.execute("INSERT INTO t VALUES (1, 'first')")
    threading.Thread(target=lambda: (time.sleep(1), first.commit())).start()
    print("the other transaction is open: found", found(second))
    print("the same statement once more: found", found(second))
PYTHON
output=$("$folder/python/bin/python" "$folder/finding.py" "$folder/cluster")
printf '%s\n' "$output"
expected='the other transaction has ended: found first
the other transaction is open: found nothing
the same statement once more: found first'
[ "$output" = "$expected" ]
