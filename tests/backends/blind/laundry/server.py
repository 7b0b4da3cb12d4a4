"""Laundry: a washing machine is booked and started by fingerprint. Nothing but Python's standard library."""
import hmac
import json
import os
import secrets
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WECHAT, APPID, SECRET = (os.environ[f"SOTER_SIM_{name}"] for name in ("URL", "APPID", "SECRET"))
LONGEST_BODY = 16 * 1024
lock = threading.Lock()
guests, washes, counters = {}, {}, {}


class Refused(Exception):
    pass


def wechat(path, body=None):
    data = json.dumps(body, ensure_ascii=False).encode() if body is not None else None
    try:
        with urllib.request.urlopen(urllib.request.Request(WECHAT + path, data), timeout=5) as answer:
            return dict(json.load(answer))
    except (OSError, ValueError, TypeError):
        raise Refused(502, "WeChat does not answer") from None


def check_signature(openid, text, signature):
    token = wechat("/cgi-bin/stable_token", {"grant_type": "client_credential", "appid": APPID, "secret": SECRET})
    if not token.get("access_token"):
        raise Refused(502, "WeChat gives no token")
    query = urllib.parse.urlencode({"access_token": token["access_token"]})
    answer = wechat(f"/cgi-bin/soter/verify_signature?{query}",
                    {"openid": openid, "json_string": text, "json_signature": signature})
    if answer.get("errcode") or answer.get("is_ok") is not True:
        raise Refused(403, "the fingerprint was not confirmed")


def login(fields):
    query = urllib.parse.urlencode({"appid": APPID, "secret": SECRET, "grant_type": "authorization_code",
                                    "js_code": text_of(fields, "code")})
    openid = wechat(f"/sns/jscode2session?{query}").get("openid")
    if not openid:
        raise Refused(401, "WeChat does not know the code")
    guest = secrets.token_urlsafe(24)
    guests[guest] = {"openid": openid, "until": time.time() + 7200}
    return {"guest": guest}


def book(fields):
    guest = guest_of(fields)
    number, nonce = secrets.token_hex(8), secrets.token_hex(24)
    washes[number] = {"owner": guest["openid"], "challenge": f"wash:{number}:1200:{nonce}", "state": "booked",
                      "until": time.time() + 300}
    return {"wash": {"number": number, "fen": 1200, "challenge": washes[number]["challenge"]}}


def start(fields):
    guest = guest_of(fields)
    number, text, signature = (text_of(fields, name) for name in ("number", "result", "signature"))
    try:
        result = dict(json.loads(text))
    except (ValueError, TypeError):
        raise Refused(403, "not a result") from None
    cpu, counter = result.get("cpu_id"), result.get("counter")
    if not isinstance(cpu, str) or not cpu or type(counter) is not int:
        raise Refused(403, "not a result")
    # Cheap checks first: they save a call of WeChat's quota.
    with lock:
        wash = washes.get(number)
        if not wash or wash["owner"] != guest["openid"] or wash["state"] != "booked" or wash["until"] < time.time():
            raise Refused(409, "no such machine is booked")
        if not hmac.compare_digest(str(result.get("raw")).encode("utf-8", "replace"), wash["challenge"].encode()):
            raise Refused(403, "not for this machine")
        if counter <= counters.get(cpu, 0):
            raise Refused(403, "an old result")
        counters[cpu], wash["state"] = counter, "checking"
    check_signature(guest["openid"], text, signature)
    wash["state"] = "running"
    return {"wash": {"number": number, "state": "running"}}


def status(fields):
    guest, wash = guest_of(fields), washes.get(text_of(fields, "number"))
    if not wash or wash["owner"] != guest["openid"]:
        raise Refused(404, "no such wash")
    return {"state": wash["state"]}


def guest_of(fields):
    guest = guests.get(text_of(fields, "guest"))
    if not guest or guest["until"] < time.time():
        raise Refused(401, "log in again")
    return guest


def text_of(fields, name):
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(400, f"{name} is missing")
    return value


class Handler(BaseHTTPRequestHandler):
    routes = {"/login": login, "/wash/book": book, "/wash/start": start, "/wash/status": status}

    def do_POST(self):
        try:
            length = int(self.headers.get("Content-Length") or 0)
            if length > LONGEST_BODY or self.path not in self.routes:
                raise Refused(404, "no such path")
            fields = json.loads(self.rfile.read(length))
            if not isinstance(fields, dict):
                raise ValueError
            self.answer(200, self.routes[self.path](fields))
        except Refused as refused:
            self.answer(refused.args[0], {"error": refused.args[1]})
        except ValueError:
            self.answer(400, {"error": "not JSON"})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    print(f"laundry on {os.environ['PORT']}", flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
