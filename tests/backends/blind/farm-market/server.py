"""Farm market: boxes of vegetables are paid from a purse. Payments are worked off one by one; the purse shows whether they were accepted."""
import hmac
import json
import os
import queue
import secrets
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WECHAT, APPID, SECRET = (os.environ[f"SOTER_SIM_{name}"] for name in ("URL", "APPID", "SECRET"))
LONGEST_BODY = 16 * 1024
lock = threading.Lock()
farmers, purses, boxes, counters = {}, {}, {}, {}
payments = queue.Queue(maxsize=1000)


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
    farmers[key] = {"openid": openid, "until": time.time() + 7200}
    with lock:
        purses.setdefault(openid, 10_000_000)
    return 200, {"key": key}


def purse(fields):
    with lock:
        return 200, {"fen": purses[openid_of(fields)]}


def choose(fields):
    openid = openid_of(fields)
    box, challenge = secrets.token_hex(8), secrets.token_hex(32)
    with lock:
        boxes[box] = {"owner": openid, "fen": 4500, "challenge": challenge, "state": "chosen", "until": time.time() + 300}
    return 200, {"box": box, "fen": 4500, "challenge": challenge}


def pay(fields):
    openid, (box, text, signature) = openid_of(fields), (text_of(fields, name) for name in ("box", "resultJSON", "resultJSONSignature"))
    with lock:
        found = boxes.get(box)
        if not found or found["owner"] != openid or found["state"] != "chosen" or found["until"] < time.time():
            raise Refused(409, "no such box is for sale")
        found["state"] = "queued"
    payments.put((openid, found, text, signature), timeout=5)
    return 202, {"box": box, "state": "queued"}


def box_state(fields):
    openid = openid_of(fields)
    found = boxes.get(text_of(fields, "box"))
    if not found or found["owner"] != openid:
        raise Refused(404, "no such box")
    return 200, {"state": "done" if found["state"] in ("paid", "refused") else found["state"]}


def work_off():
    while True:
        openid, box, text, signature = payments.get()
        time.sleep(0.1)
        try:
            check_signature(openid, text, signature)
            result = dict(json.loads(text))
            cpu, counter, raw = result.get("cpu_id"), result.get("counter"), result.get("raw")
            if not isinstance(cpu, str) or not cpu or type(counter) is not int or not isinstance(raw, str):
                raise Refused(403, "not a result")
            with lock:
                if not hmac.compare_digest(raw.encode("utf-8", "replace"), box["challenge"].encode()) or counter <= counters.get(cpu, 0):
                    raise Refused(403, "another box, or an old result")
                if purses[openid] < box["fen"]:
                    raise Refused(402, "the purse is empty")
                counters[cpu] = counter
                purses[openid] -= box["fen"]
                box["state"] = "paid"
        except (Refused, ValueError, TypeError):
            box["state"] = "refused"


def openid_of(fields):
    farmer = farmers.get(text_of(fields, "key"))
    if not farmer or farmer["until"] < time.time():
        raise Refused(401, "log in again")
    return farmer["openid"]


def text_of(fields, name):
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(400, f"{name} is missing")
    return value


class Handler(BaseHTTPRequestHandler):
    routes = {"/login": login, "/purse": purse, "/box": choose, "/box/pay": pay, "/box/state": box_state}

    def do_POST(self):
        try:
            length = int(self.headers.get("Content-Length") or 0)
            if length > LONGEST_BODY or self.path not in self.routes:
                raise Refused(404, "no such path")
            fields = json.loads(self.rfile.read(length))
            if not isinstance(fields, dict):
                raise ValueError
            self.answer(*self.routes[self.path](fields))
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
    threading.Thread(target=work_off, daemon=True).start()
    print(f"farm market on {os.environ['PORT']}", flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
