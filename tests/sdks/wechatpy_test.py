"""An SDK, wechatpy, against the emulated servers: token, session, verify_signature.

Unmodified:                 soter-sim exec --tls --touch auto -- python tests/sdks/wechatpy_test.py
With another base address:  soter-sim exec --touch auto -- python tests/sdks/wechatpy_test.py --changed-address
"""

import json
import os
import sys
import urllib.request

import requests
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

URL = os.environ["SOTER_SIM_URL"]
WECHAT = "https://api.weixin.qq.com"


class ToTheEmulator(HTTPAdapter):
    """Changes the address of the servers, and nothing else. The SDK has some of their addresses in its code."""

    def send(self, request, **options):
        request.url = request.url.replace(WECHAT, URL, 1)
        return super().send(request, **options)


def rpc(method, **params):
    """Calls the phone as a front end does."""
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    with urllib.request.urlopen(URL + "/rpc", json.dumps(call).encode()) as answer:
        return json.load(answer)["result"]


def authenticate(challenge):
    callback = rpc("wx.startSoterAuthentication", requestAuthModes=["fingerPrint"], challenge=challenge)
    assert callback["errCode"] == 0, callback
    return callback["resultJSON"], callback["resultJSONSignature"]


client = WeChatClient(os.environ["SOTER_SIM_APPID"], os.environ["SOTER_SIM_SECRET"])
if sys.argv[1:] == ["--changed-address"]:
    client._http = requests.Session()
    client._http.mount(WECHAT, ToTheEmulator())
user = client.wxa.code_to_session(rpc("wx.login")["code"])
openid = user["openid"]
assert user["session_key"] and user["unionid"], user


def is_ok(result, signature, user=openid):
    data = {"openid": user, "json_string": result, "json_signature": signature}
    return client.post("soter/verify_signature", data=data)["is_ok"]


result, signature = authenticate("订单 \"42\" / €1 😀")
assert json.loads(result)["raw"] == "订单 \"42\" / €1 😀"
assert is_ok(result, signature) is True, "a good result"
assert is_ok(result, signature) is False, "a replay"

result, signature = authenticate("order-43")
assert is_ok(result.replace("order-43", "order-44"), signature) is False, "a tampered result"
assert is_ok(json.dumps(json.loads(result), indent=1), signature) is False, "a re-serialised result"
assert is_ok(result, signature) is True, "the refusals spent nothing"

try:
    is_ok(result, signature, user="oNobody")
    raise SystemExit("an unknown openid was taken")
except WeChatClientException as error:
    assert error.errcode == 40003, error

try:
    client.wxa.code_to_session("used")
    raise SystemExit("an unknown code was taken")
except WeChatClientException as error:
    assert error.errcode == 40029, error

print("wechatpy: token, session, good, replay, tampered, re-serialised, errors: as with WeChat")
