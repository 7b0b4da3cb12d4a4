"""A load test of a backend that takes payments by fingerprint. Each simulated user has a phone and an account of its own.

    soter-sim serve --ephemeral --fleet 100000
    locust -f host-bridge/examples/load/locustfile.py --host http://127.0.0.1:8778

`--host` is the backend under test. SOTER_SIM_URL is the simulator, which is also WeChat for this backend.
To test your own backend, change `pay_for_an_order` and `log_in`: the paths, the bodies, and which answers are good.
"""

import os
import re
from contextlib import contextmanager, suppress
from time import monotonic

from geventhttpclient.client import HTTPClientPool
from locust import FastHttpUser, between, task
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import RescheduleTask, RescheduleTaskImmediately

SIMULATOR = os.environ.get("SOTER_SIM_URL", "http://127.0.0.1:8777").rstrip("/")
# The simulator takes 512 connections, the backend's included. So the users of a process share a few, and keep none open.
PHONES = HTTPClientPool(concurrency=32, connection_timeout=30, network_timeout=30)
HEADERS = {"Connection": "close"}
if "SOTER_SIM_TOKEN" in os.environ:  # as in the simulator's --token-file
    HEADERS["Authorization"] = f"Bearer {os.environ['SOTER_SIM_TOKEN']}"
# Seconds after which an unused connection to the backend is not used again. They have to be less than the backend's own limit,
# which is 5 in Node: a request that is sent while the backend closes the connection would look like a failure of the backend.
KEEP_ALIVE = 4


class Wrong(Exception):
    """An answer with the wrong content."""


class Payer(FastHttpUser):
    """Pays for one order after the other. A step that fails is counted once, under its own name, and ends the turn."""

    wait_time = between(1, 3)
    connection_timeout = network_timeout = 30

    def __init__(self, environment):
        super().__init__(environment)
        events = environment.events.request
        self.bridge = FastHttpSession(SIMULATOR, events, self, client_pool=PHONES, headers=HEADERS)
        self.device = self.session = None
        self.has_signed = self.session_works = False
        self.last_answer = monotonic()

    @task
    def pay_for_an_order(self):
        # Not in `on_start`, so that a user whose start has failed tries again in its next turn.
        if not self.device:
            with self.phone("take", "fleet.next", count=1) as answer:
                [self.device] = answer["devices"]
        if not self.session:
            self.log_in()

        with self.backend("/order", session=self.session) as answer:
            order, challenge = texts(answer, "order", "challenge")
        self.session_works = True
        signed = self.sign(challenge)
        with self.backend("/pay", session=self.session, order=order, **signed) as answer:
            if texts(answer, "paid") != [order]:
                raise Wrong("another order is paid")

    def log_in(self):
        with self.phone("log in", "wx.login", device=self.device) as answer:
            [code] = texts(answer, "code")
        with self.backend("/login", code=code) as answer:
            [self.session] = texts(answer, "session")

    def sign(self, challenge):
        # A phone makes its keys before it signs for the first time. This takes longer, so it has a name of its own.
        name = "sign" if self.has_signed else "first sign"
        call = {"device": self.device, "requestAuthModes": ["fingerPrint"], "challenge": challenge}
        with self.phone(name, "wx.startSoterAuthentication", **call) as answer:
            if answer["errCode"] != 0:
                raise Wrong(f"{answer['errCode']} {answer['errMsg']}")
            result, signature = texts(answer, "resultJSON", "resultJSONSignature")
        self.has_signed = True
        return {"resultJSON": result, "resultJSONSignature": signature}

    def on_stop(self):
        if self.device:
            # A failure is counted, and there is no turn that it could end.
            with suppress(RescheduleTask), self.phone("give back", "fleet.release", devices=[self.device]):
                pass

    @contextmanager
    def backend(self, path, **body):
        """A step at the backend under test."""
        if monotonic() - self.last_answer > KEEP_ALIVE:
            self.client.client.clientpool.close()
        with self.client.post(path, json=body, catch_response=True) as response:
            self.last_answer = monotonic()
            if response.status_code == 401:
                has_worked, self.session, self.session_works = self.session_works, None, False
                if has_worked:
                    # The backend has forgotten the session. This is not a failure: the turn begins again, with a login.
                    response.request_meta["name"] += ": session forgotten"
                    response.success()
                    raise RescheduleTaskImmediately
            with failure_counted(response):
                yield read_json(response)

    @contextmanager
    def phone(self, name, method, **params):
        """A step of the phone, which is a JSON-RPC call of the simulator."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        with self.bridge.post("/rpc", json=call, name=f"phone: {name}", catch_response=True) as response:
            with failure_counted(response):
                answer = read_json(response)
                if "error" in answer:
                    raise Wrong(answer["error"]["message"])
                yield answer["result"]


@contextmanager
def failure_counted(response):
    """Counts any exception as a failure of this request. Locust alone would not count the request at all."""
    try:
        yield
    except Exception as error:
        text = str(error) if isinstance(error, Wrong) else repr(error)
        # Without ids and tokens: each text is one line of the report, and others may read the report.
        response.failure(re.sub(r"[0-9a-f]{6,}|[\w+/=-]{25,}", "…", text)[:120])
        raise RescheduleTask from error


def read_json(response):
    """The JSON object of a good answer."""
    error = response.request_meta["exception"]
    if error and response.ok:
        raise error  # There is no answer, or it broke off.
    if response.status_code != 200:
        raise Wrong(f"HTTP {response.status_code}: {response.text}")
    answer = response.json()
    if not isinstance(answer, dict):
        raise Wrong("the answer is not a JSON object")
    return answer


def texts(answer, *names):
    """The members with these names, each of which must be a text that is not empty."""
    for name in names:
        if not isinstance(answer.get(name), str) or not answer[name]:
            raise Wrong(f"{name} is not a text")
    return [answer[name] for name in names]
