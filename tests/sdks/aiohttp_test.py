"""aiohttp against the emulated servers: answers under /sns/ are declared as text, as in production.

Run as:  soter-sim exec -- python tests/sdks/aiohttp_test.py
"""

import asyncio
import os

import aiohttp

APPID, SECRET = os.environ["SOTER_SIM_APPID"], os.environ["SOTER_SIM_SECRET"]


async def main():
    async with aiohttp.ClientSession(os.environ["SOTER_SIM_URL"]) as session:
        call = {"jsonrpc": "2.0", "id": 1, "method": "wx.login", "params": {}}
        async with session.post("/rpc", json=call) as answer:
            code = (await answer.json())["result"]["code"]
        login = {"appid": APPID, "secret": SECRET, "js_code": code, "grant_type": "authorization_code"}
        async with session.get("/sns/jscode2session", params=login) as answer:
            try:
                await answer.json()
            except aiohttp.ContentTypeError as error:
                assert "text/plain" in str(error), error
            else:
                raise AssertionError("json() must refuse text/plain, as it does in production")
            assert (await answer.json(content_type=None))["openid"], "the text is JSON all the same"
        async with session.get("/sns/jscode2session", params=login) as answer:
            used = await answer.json(content_type=None)
            assert used["errcode"] == 40163 and used["errmsg"].startswith("code been used, rid: "), used
        token = {"appid": APPID, "secret": SECRET, "grant_type": "client_credential"}
        async with session.post("/cgi-bin/token", data=token) as answer:
            assert (await answer.json())["expires_in"] == 7200


asyncio.run(main())
print("aiohttp: json() fails under /sns/ and works under /cgi-bin/")
