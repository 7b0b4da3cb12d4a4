"""Museum: tickets are paid by fingerprint. A payment that is sent again gets the ticket again, and buys nothing twice."""
import hashlib
import json
import os
import secrets
import sqlite3
import tempfile
import time
import urllib.parse
import urllib.request

from flask import Flask, g, jsonify, request

WECHAT, APPID, SECRET = (os.environ[f"SOTER_SIM_{name}"] for name in ("URL", "APPID", "SECRET"))
DATABASE = os.path.join(tempfile.gettempdir(), f"museum-{os.environ['PORT']}-{os.getpid()}.db")
SCHEMA = """
CREATE TABLE session (token TEXT PRIMARY KEY, openid TEXT NOT NULL, until REAL NOT NULL);
CREATE TABLE visit (id TEXT PRIMARY KEY, openid TEXT NOT NULL, challenge TEXT NOT NULL, state TEXT NOT NULL,
                    until REAL NOT NULL, payment TEXT, ticket TEXT);
CREATE TABLE phone (cpu_id TEXT PRIMARY KEY, counter INTEGER NOT NULL);
"""

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 16 * 1024


def database():
    if "database" not in g:
        g.database = sqlite3.connect(DATABASE, timeout=10, isolation_level=None)
    return g.database


@app.teardown_appcontext
def close(_):
    if "database" in g:
        g.pop("database").close()


def failure(code, msg):
    return jsonify(error=msg), code


def wechat(path, body=None):
    data = json.dumps(body, ensure_ascii=False).encode() if body is not None else None
    try:
        with urllib.request.urlopen(urllib.request.Request(WECHAT + path, data), timeout=5) as answer:
            return dict(json.load(answer))
    except (OSError, ValueError, TypeError):
        return {"errcode": -1}


def signature_holds(openid, text, signature):
    token = wechat("/cgi-bin/stable_token", {"grant_type": "client_credential", "appid": APPID, "secret": SECRET})
    if "access_token" not in token:
        return False
    claim = {"openid": openid, "json_string": text, "json_signature": signature}
    query = urllib.parse.urlencode({"access_token": token["access_token"]})
    answer = wechat(f"/cgi-bin/soter/verify_signature?{query}", claim)
    return not answer.get("errcode") and answer.get("is_ok") is True


def inputs(*names):
    body = request.get_json(silent=True)
    values = [body.get(name) if isinstance(body, dict) else None for name in names]
    return values if all(isinstance(value, str) and value for value in values) else None


def user():
    row = database().execute("SELECT openid FROM session WHERE token = ? AND until > ?",
                             (request.cookies.get("sid", ""), time.time())).fetchone()
    return row and row[0]


@app.post("/login")
def login():
    given = inputs("code")
    if not given:
        return failure(400, "code")
    query = {"appid": APPID, "secret": SECRET, "js_code": given[0], "grant_type": "authorization_code"}
    openid = wechat(f"/sns/jscode2session?{urllib.parse.urlencode(query)}").get("openid")
    if not openid:
        return failure(401, "login")
    token = secrets.token_hex(20)
    database().execute("INSERT INTO session VALUES (?, ?, ?)", (token, openid, time.time() + 7200))
    answer = jsonify(welcome=True)
    answer.set_cookie("sid", token, httponly=True)
    return answer


@app.post("/visits")
def plan():
    openid = user()
    if not openid:
        return failure(401, "log in again")
    visit, challenge = secrets.token_hex(8), secrets.token_hex(32)
    database().execute("INSERT INTO visit (id, openid, challenge, state, until) VALUES (?, ?, ?, 'planned', ?)",
                       (visit, openid, challenge, time.time() + 300))
    return jsonify(visit=visit, fen=3000, challenge=challenge)


@app.post("/visits/<visit>/pay")
def pay(visit):
    openid, given = user(), inputs("resultJSON", "resultJSONSignature")
    if not openid or not given:
        return failure(401, "log in, and send the result")
    text, signature = given
    payment = hashlib.sha256(json.dumps([openid, visit, text, signature]).encode()).hexdigest()
    found = database().execute("SELECT state, payment, ticket FROM visit WHERE id = ? AND openid = ?", (visit, openid)).fetchone()
    if not found:
        return failure(404, "no such visit")
    if found[0] == "paid":
        # The same request once more, to the letter: the answer got lost on the way.
        return jsonify(visit=visit, state="paid", ticket=found[2]) if found[1] == payment else failure(409, "paid already")
    if not signature_holds(openid, text, signature):
        return failure(403, "the fingerprint was not confirmed")
    try:
        result = dict(json.loads(text))
    except (ValueError, TypeError):
        return failure(403, "not a result")
    cpu, counter, raw = result.get("cpu_id"), result.get("counter"), result.get("raw")
    if not isinstance(cpu, str) or not cpu or type(counter) is not int or not 0 < counter < 2**63 or not isinstance(raw, str):
        return failure(403, "not a result")
    base = database()
    base.execute("BEGIN IMMEDIATE")
    now = base.execute("SELECT challenge FROM visit WHERE id = ? AND state = 'planned' AND until > ?", (visit, time.time())).fetchone()
    last = base.execute("SELECT counter FROM phone WHERE cpu_id = ?", (cpu,)).fetchone()
    if not now or not secrets.compare_digest(now[0].encode(), raw.encode("utf-8", "replace")) or (last and counter <= last[0]):
        base.execute("ROLLBACK")
        return failure(403, "another visit, or an old result")
    ticket = secrets.token_hex(10)
    base.execute("INSERT OR REPLACE INTO phone VALUES (?, ?)", (cpu, counter))
    base.execute("UPDATE visit SET state = 'paid', payment = ?, ticket = ? WHERE id = ?", (payment, ticket, visit))
    base.execute("COMMIT")
    return jsonify(visit=visit, state="paid", ticket=ticket)


@app.get("/tickets")
def tickets():
    openid = user()
    rows = database().execute("SELECT ticket FROM visit WHERE openid = ? AND state = 'paid'", (openid or "",)).fetchall()
    return jsonify(tickets=[ticket for (ticket,) in rows])


if __name__ == "__main__":
    with sqlite3.connect(DATABASE) as created:
        created.executescript(SCHEMA)
    print(f"museum on {os.environ['PORT']}", flush=True)
    app.run("127.0.0.1", int(os.environ["PORT"]), threaded=True)
