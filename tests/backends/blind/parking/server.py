"""Car park: tickets are paid by fingerprint at the exit. Nothing but Python's standard library."""
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
drivers, tickets, counters = {}, {}, {}


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
    key = secrets.token_urlsafe(24)
    drivers[key] = {"openid": openid, "until": time.time() + 7200, "challenges": {}}
    return {"key": key}


def ticket(fields):
    driver = driver_of(fields)
    hours = fields.get("hours")
    if type(hours) is not int or not 1 <= hours <= 48:
        raise Refused(400, "hours: 1 to 48")
    number = secrets.token_hex(6)
    tickets[number] = {"owner": driver["openid"], "fen": hours * 500, "paid": False, "until": time.time() + 300}
    return {"ticket": number, "fen": hours * 500}


def challenge(fields):
    driver = driver_of(fields)
    find_ticket(fields, driver)
    text = secrets.token_hex(32)
    driver["challenges"][text] = time.time() + 300
    return {"challenge": text}


def pay(fields):
    driver, text, signature = driver_of(fields), text_of(fields, "resultJSON"), text_of(fields, "resultJSONSignature")
    find_ticket(fields, driver)
    check_signature(driver["openid"], text, signature)
    try:
        result = dict(json.loads(text))
    except (ValueError, TypeError):
        raise Refused(403, "not a result") from None
    cpu, counter, raw = result.get("cpu_id"), result.get("counter"), result.get("raw")
    if not isinstance(cpu, str) or not cpu or type(counter) is not int or not isinstance(raw, str):
        raise Refused(403, "not a result")
    with lock:
        wanted = find_ticket(fields, driver)
        if driver["challenges"].pop(raw, 0) < time.time():
            raise Refused(403, "this was not to be signed")
        if counter <= counters.get(cpu, 0):
            raise Refused(403, "an old result")
        counters[cpu], wanted["paid"] = counter, True
    return {"ticket": fields["ticket"], "paid": True}


def find_ticket(fields, driver):
    found = tickets.get(text_of(fields, "ticket"))
    if not found or not hmac.compare_digest(found["owner"], driver["openid"]) or found["paid"] or found["until"] < time.time():
        raise Refused(409, "no such ticket is open")
    return found


def driver_of(fields):
    driver = drivers.get(text_of(fields, "key"))
    if not driver or driver["until"] < time.time():
        raise Refused(401, "log in again")
    return driver


def text_of(fields, name):
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(400, f"{name} is missing")
    return value


class Handler(BaseHTTPRequestHandler):
    routes = {"/login": login, "/ticket": ticket, "/challenge": challenge, "/pay": pay}

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
    print(f"car park on {os.environ['PORT']}", flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
