"""Tea house: members pay from the app; cups are collected at the counter."""
import json
import os
import secrets
import threading
import time
import urllib.parse
import urllib.request

from flask import Flask, jsonify, request

WECHAT, APPID, SECRET = (os.environ[f"SOTER_SIM_{name}"] for name in ("URL", "APPID", "SECRET"))
SESSION_SECONDS, ORDER_SECONDS, CONFIRMED_SECONDS = 7200, 300, 600
PRICES = {"oolong": 2200, "jasmine": 1600}

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 16 * 1024
lock = threading.Lock()
sessions, orders, counters, confirmed = {}, {}, {}, {}
token = {"value": None, "until": 0}


class Refused(Exception):
    def __init__(self, status, reason):
        self.status, self.reason = status, reason


@app.errorhandler(Refused)
def refuse(error):
    return jsonify(error=error.reason), error.status


def wechat(path, body=None):
    data = json.dumps(body, ensure_ascii=False).encode() if body is not None else None
    try:
        with urllib.request.urlopen(urllib.request.Request(WECHAT + path, data), timeout=5) as answer:
            return dict(json.load(answer))
    except (OSError, ValueError, TypeError):
        raise Refused(502, "WeChat does not answer") from None


def access_token(renew=False):
    if renew or time.time() > token["until"]:
        got = wechat("/cgi-bin/stable_token", {"grant_type": "client_credential", "appid": APPID, "secret": SECRET})
        if not got.get("access_token"):
            raise Refused(502, "WeChat gives no token")
        token.update(value=got["access_token"], until=time.time() + 3600)
    return urllib.parse.quote(token["value"])


def is_confirmed(openid, text, signature):
    # Ordering a second cup need not ask WeChat again: its quota is small.
    if confirmed.get(openid, 0) > time.time():
        return True
    claim = {"openid": openid, "json_string": text, "json_signature": signature}
    answer = wechat(f"/cgi-bin/soter/verify_signature?access_token={access_token()}", claim)
    if answer.get("errcode") in (40001, 42001):
        answer = wechat(f"/cgi-bin/soter/verify_signature?access_token={access_token(True)}", claim)
    if answer.get("errcode") or answer.get("is_ok") is not True:
        return False
    confirmed[openid] = time.time() + CONFIRMED_SECONDS
    return True


def texts(*names):
    body = request.get_json(silent=True)
    values = [body.get(name) if isinstance(body, dict) else None for name in names]
    if not all(isinstance(value, str) and value for value in values):
        raise Refused(400, f"needed: {', '.join(names)}")
    return values


def member():
    session = sessions.get(request.headers.get("X-Session", ""))
    if not session or session["until"] < time.time():
        raise Refused(401, "log in again")
    return session["openid"]


@app.post("/login")
def login():
    (code,) = texts("code")
    query = urllib.parse.urlencode({"appid": APPID, "secret": SECRET, "js_code": code, "grant_type": "authorization_code"})
    openid = wechat(f"/sns/jscode2session?{query}").get("openid")
    if not openid:
        raise Refused(401, "WeChat does not know the code")
    session = secrets.token_urlsafe(24)
    sessions[session] = {"openid": openid, "until": time.time() + SESSION_SECONDS}
    return jsonify(session=session)


@app.post("/cups")
def order():
    owner, (tea,) = member(), texts("tea")
    if tea not in PRICES:
        raise Refused(404, "no such tea")
    number, challenge = secrets.token_hex(6), secrets.token_hex(32)
    orders[number] = {"owner": owner, "challenge": challenge, "paid": False, "until": time.time() + ORDER_SECONDS}
    return jsonify(number=number, fen=PRICES[tea], challenge=challenge)


@app.post("/cups/<number>/confirm")
def confirm(number):
    owner, (text, signature) = member(), texts("resultJSON", "resultJSONSignature")
    with lock:
        cup = orders.get(number)
        if not cup or cup["owner"] != owner or cup["paid"] or cup["until"] < time.time():
            raise Refused(409, "no such cup waits for payment")
        if not is_confirmed(owner, text, signature):
            raise Refused(403, "the fingerprint was not confirmed")
        try:
            result = dict(json.loads(text))
        except (ValueError, TypeError):
            raise Refused(403, "not a result") from None
        cpu, counter = result.get("cpu_id"), result.get("counter")
        if not isinstance(cpu, str) or not cpu or type(counter) is not int or result.get("raw") != cup["challenge"]:
            raise Refused(403, "not a result for this cup")
        if counter <= counters.get(cpu, 0):
            raise Refused(403, "an old result")
        counters[cpu], cup["paid"] = counter, True
    return jsonify(number=number, paid=True)


if __name__ == "__main__":
    print(f"tea house on {os.environ['PORT']}", flush=True)
    app.run("127.0.0.1", int(os.environ["PORT"]), threaded=True)
