#!/usr/bin/env bash
# Package:   locust 2.47.0 (PyPI)
# Behaviour: a master that runs distributed and `--headless` waits for half a second at the end of the run, and then prints its
#            statistics and ends. What its workers report later is lost, also when --stop-timeout lets the users finish their
#            requests. Failures among it do not count: the exit code is 0. With `--autostart --autoquit`, the same run waits for
#            the workers, counts every failure, and ends with 1.
# Seen:      2026-11-29, Linux x86-64, Python 3.11
# Output:    --headless: exit code 0, 0 of 4 failures counted
#            --autostart --autoquit: exit code 1, 4 of 4 failures counted
# soter-sim: the load test of the example backend uses `--autostart --autoquit` (`host-bridge/examples/load/run`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check locust==2.47.0
# Four users, each of which has one request that takes four seconds and fails. The run ends after two seconds.
cat >"$folder/locustfile.py" <<'PYTHON'
from time import monotonic

import gevent
from locust import User, constant, task


class Slow(User):
    wait_time = constant(100)

    @task
    def one_failure(self):
        began = monotonic()
        gevent.sleep(4)
        self.environment.events.request.fire(
            request_type="X", name="slow", response_time=(monotonic() - began) * 1000, response_length=0,
            exception=Exception("it failed"), context={},
        )
PYTHON

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

run() {
  local port code=0
  port=$(free_port)
  locust=(timeout 60 "$folder/venv/bin/locust" --locustfile "$folder/locustfile.py")
  "${locust[@]}" --worker --master-host 127.0.0.1 --master-port "$port" >"$folder/worker.log" 2>&1 &
  worker=$!
  "${locust[@]}" --master --master-bind-host 127.0.0.1 --master-bind-port "$port" --expect-workers 1 \
    --users 4 --spawn-rate 4 --run-time 2s --stop-timeout 10 --csv "$folder/result" --only-summary "$@" \
    </dev/null >"$folder/master.log" 2>&1 || code=$?
  wait "$worker" || true
  failures=$(awk -F, '$2 == "Aggregated" { print $4 }' "$folder/result_stats.csv")
  echo "exit code $code, ${failures:-0} of 4 failures counted"
}

output=$(
  echo "--headless: $(run --headless)"
  echo "--autostart --autoquit: $(run --autostart --autoquit 12 --web-host 127.0.0.1 --web-port "$(free_port)")"
)
echo "$output"
[ "$output" = "--headless: exit code 0, 0 of 4 failures counted
--autostart --autoquit: exit code 1, 4 of 4 failures counted" ]
