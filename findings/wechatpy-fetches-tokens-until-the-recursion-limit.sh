#!/usr/bin/env bash
# Package:   wechatpy 1.8.18 (PyPI), with requests 2.32.5
# Behaviour: after errcode 40001, 40014 or 42001, the client fetches another access token and repeats the call, without a limit and
#            without a pause. If WeChat keeps refusing, such as for one API alone, a single call fetches hundreds of tokens out of the
#            app's daily quota of 2,000, and then ends as RecursionError instead of WeChatClientException. Each of the tokens ends the one
#            that other processes of the app use.
# Seen:      2026-11-30, Linux x86-64, Python 3.11
# Output:    auto_retry=True: RecursionError, hundreds of tokens, hundreds of calls
#            auto_retry=False: WeChatClientException, 1 tokens, 1 calls
# soter-sim: `simulator/docs/sdks.md` says so, for tests in which the servers answer with 40001 (`servers set`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'wechatpy[cryptography]==1.8.18' requests==2.32.5
cat >"$folder/finding.py" <<'PYTHON'
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient

WECHAT = "https://api.weixin.qq.com"
seen = Counter()


class StandIn(BaseHTTPRequestHandler):
    """Gives tokens, and refuses each of them."""

    def do_GET(self):
        if self.path.startswith("/cgi-bin/token?"):
            seen["tokens"] += 1
            answer = {"access_token": f"token-{seen['tokens']}", "expires_in": 7200}
        else:
            seen["calls"] += 1
            answer = {"errcode": 40001, "errmsg": "invalid credential"}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
threading.Thread(target=server.serve_forever, daemon=True).start()


class ToTheStandIn(HTTPAdapter):
    def send(self, request, **options):
        request.url = request.url.replace(WECHAT, f"http://127.0.0.1:{server.server_port}", 1)
        return super().send(request, **options)


for auto_retry in [True, False]:
    seen.clear()
    client = WeChatClient("wx1", "secret", auto_retry=auto_retry)
    client._http = requests.Session()
    client._http.mount(WECHAT, ToTheStandIn())
    try:
        client.misc.get_wechat_ips()
    except Exception as error:
        counts = ", ".join(f"{'hundreds of' if seen[what] >= 200 else seen[what]} {what}" for what in ["tokens", "calls"])
        print(f"auto_retry={auto_retry}: {type(error).__name__}, {counts}")
PYTHON
output=$("$folder/venv/bin/python" "$folder/finding.py")
printf '%s\n' "$output"
expected='auto_retry=True: RecursionError, hundreds of tokens, hundreds of calls
auto_retry=False: WeChatClientException, 1 tokens, 1 calls'
[ "$output" = "$expected" ]
