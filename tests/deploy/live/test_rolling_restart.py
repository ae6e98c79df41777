"""Three replicas and a Redis behind a real proxy, restarted one after the other under load: no call fails.

Callers know nothing of the restart and do not repeat anything: whatever is not answered as it should be is a failure.
"""

import contextlib
import json
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter

import pytest

from tests.builders import EXAMPLE
from tests.deploy.live.programs import answers, needed, port, running, say, serve, until
from tests.redis_server import RedisServer

REPLICAS, CALLERS, MEMBERS = 3, 4, 4
DRAIN_DELAY_S = 3.0
GONE_S = 60.0  # the delay, drain_timeout_s, and as much again on a busy machine

HAPROXY = """
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
frontend in
  bind 127.0.0.1:{port}
  default_backend replicas
backend replicas
  balance roundrobin
  option httpchk GET /readyz
  retry-on conn-failure empty-response
  option redispatch
  retries 3
  default-server check inter 500ms fall 1 rise 1
{servers}
"""
# nginx checks no health: a replica whose listener is closed is left out, and a call it did not take goes to the next.
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 64m;
  upstream replicas {{
{servers}
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://replicas;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_read_timeout 60s;
      proxy_next_upstream error timeout non_idempotent;
    }}
  }}
}}
"""


@contextlib.contextmanager
def haproxy(folder, replicas):
    needed("haproxy")
    number = port()
    servers = "\n".join(f"  server r{n} 127.0.0.1:{at}" for n, at in enumerate(replicas))
    (folder / "haproxy.cfg").write_text(HAPROXY.format(port=number, servers=servers))
    with running("haproxy", "-db", "-f", folder / "haproxy.cfg", log=folder / "haproxy.log"):
        yield f"http://127.0.0.1:{number}"


@contextlib.contextmanager
def nginx(folder, replicas):
    needed("nginx")
    number = port()
    servers = "\n".join(f"    server 127.0.0.1:{at} max_fails=1 fail_timeout=1s;" for at in replicas)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=number, servers=servers))
    with running("nginx", "-c", folder / "nginx.conf", "-p", folder, log=folder / "nginx.log"):
        yield f"http://127.0.0.1:{number}"


PROXIES = {"haproxy": haproxy, "nginx": nginx}


def send(base, method, path, body):
    request = urllib.request.Request(f"{base}{path}", json.dumps(body).encode(), method=method)
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


class Load:
    """Callers that score whole groups and put rollouts one by one, and what became of it."""

    def __init__(self, base):
        self.base, self.counts, self.failures = base, Counter(), []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(CALLERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, calls):
        """Wait until so many more calls were answered."""
        enough = sum(self.counts.values()) + calls
        until(lambda: sum(self.counts.values()) >= enough, "load goes on")

    def _run(self, caller):
        step = 0
        while not self._stop.is_set():
            step += 1
            try:
                (self._whole if step % 2 else self._one_by_one)(caller, step)
            except Exception as error:  # noqa: BLE001  # whatever a caller sees is a failure
                self.failures.append(f"{type(error).__name__}: {error}")

    def _expect(self, what, told, wanted):
        self.counts[what] += 1
        if told != wanted:
            self.failures.append(f"{what}: {told} in place of {wanted}")

    def _whole(self, *_):
        status, reply = send(self.base, "POST", "/v1/groups/score", EXAMPLE)
        told = [one["reward"] for one in reply["groups"][0]["rollouts"]] if status == 200 else reply
        self._expect("whole groups", (status, told), (200, [1, 0, 0.15]))

    def _one_by_one(self, caller, step):
        """A group whose rollouts go wherever the proxy sends them."""
        path = f"/v1/runs/load/groups/{caller}-{step}/rollouts"
        for member in range(MEMBERS):
            text = "Zanderheim." if member % 2 else "Zanderheim and Quillock."
            entities = [{"name": "Zanderheim"}, {"name": "Quillock"}]
            body = {
                "outcome": "wrong",
                "steps": [{"type": "thought", "text": text}],
                "question": {"text": "Who?", "entities": entities},
            }
            status, reply = send(self.base, "PUT", f"{path}/{member}", body)
            last = member == MEMBERS - 1
            told = (status, reply["rollout"]["reward"]) if status < 300 else (status, reply)
            self._expect("rollouts", told, (200, 0.15) if last else (202, None))


@pytest.fixture(params=PROXIES)
def proxy(request):
    return PROXIES[request.param]


def start(stack, number, folder, redis):
    settings = {
        "state_url": redis.url,
        "processes": REPLICAS,
        "drain_delay_s": DRAIN_DELAY_S,
        "log_level": "warning",
    }
    return stack.enter_context(serve(number, folder, **settings))


def ready(number):
    return answers(f"http://127.0.0.1:{number}/readyz")


def restart(process, number, folder, stack, redis):
    """What a rolling update does: stop one, wait for its end, start it again, wait until it is ready."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(GONE_S) == 0, (folder / f"service-{number}.log").read_text()[-2000:]
    fresh = start(stack, number, folder, redis)
    until(lambda: ready(number), "the new replica is ready")
    return fresh


def test_a_rolling_restart_under_load_fails_no_call(proxy, tmp_path):
    needed("redis-server")
    ports = [port() for _ in range(REPLICAS)]
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(RedisServer(tmp_path))
        processes = [start(stack, number, tmp_path, redis) for number in ports]
        for number in ports:
            until(lambda number=number: ready(number), "the replica is ready")
        base = stack.enter_context(proxy(tmp_path, ports))
        until(lambda: answers(f"{base}/readyz"), "the proxy answers")
        run = {"profile": "egrpo-paper", "group_size": MEMBERS, "deadline_s": 600}
        assert send(base, "PUT", "/v1/runs/load", run)[0] == 201
        began = time.monotonic()
        with Load(base) as load:
            for process, number in zip(processes, ports, strict=True):
                restart(process, number, tmp_path, stack, redis)
                load.wait_for(50)
        lasted = time.monotonic() - began

    said = f"{sum(load.counts.values())} calls {dict(load.counts)} in {lasted:.0f} s"
    say(f"{proxy.__name__}: {said}, {REPLICAS} restarts, {len(load.failures)} failures")
    assert load.failures == []
    assert load.counts["rollouts"] > 100
