#!/usr/bin/env python3
"""Mixed load behind the walls for minutes, while every component is restarted in order and by force.

    SIDECAR_BUILD=.build/release python3 Tests/Verify/mixed.py [--minutes 10] [--seed N]

Asked all the time: disaggregated streams, small requests, clients that leave in the middle, hostile requests, scrapes
of the metrics, and pods that come and go at a stand-in of the API server. Meanwhile watcher, dialer, proxy, admin
process and resolver are restarted by signal and by order, and killed. At the end: no call that a filter refuses, no
answer that nothing explains, no counter that fell, no descriptor or process too many.
"""

import argparse
import collections
import contextlib
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "Chaos"), str(TESTS / "Kubernetes"), str(TESTS / "Scenarios")]

from certificates import Authority  # noqa: E402
from fake_api import FakeAPI  # noqa: E402
from house import Client, House, SimulatedEngine, request, restart_order, wait_for  # noqa: E402
from kills import READY_WITHIN, Kills, assert_tidy, settled_descriptors  # noqa: E402
from objects import NAMESPACE, POOL, pod, pool  # noqa: E402
from report import Report, stop_unless_linux  # noqa: E402
from support.wire import Closed  # noqa: E402
from traffic import CHAT, Monotonic, Traffic, chat  # noqa: E402
from volume import Volume  # noqa: E402

ROLES = ("watcher", "dialer", "proxy", "admin", "resolver")
# Signals that order a restart; the others are ordered over the control socket alone.
ORDERS = {"watcher": signal.SIGUSR1, "proxy": signal.SIGUSR2, "dialer": signal.SIGRTMIN + 1}
PAUSE = (0.5, 2.5)  # seconds between two restarts
TOKEN = "token-1"
ROUTE = "x-prefiller-host-port"
PROMPT = b'{"model":"tiny","messages":[{"role":"user","content":"Say something."}],"max_tokens":2'
# Each must end at zero: a wall that somebody ran against, or a protocol that somebody broke.
SILENT = (
    "sidecar_sandbox_violations_total", "sidecar_sandbox_missing_walls", "sidecar_wall_failures_total",
    "sidecar_ipc_violations_total", "sidecar_dialer_violations_total",
)


def hostile(member, stranger):
    """Requests as an attacker makes them, each with the statuses that are right for it."""

    def post(body, *headers, path=CHAT):
        return request("POST", path, headers, body)

    def framed(*lines):
        return b"\r\n".join([b"POST " + CHAT.encode() + b" HTTP/1.1", b"Host: x", *lines, b"", b""])

    return {
        "no JSON": (post(b"{"), {400}),
        "a number that is none": (post(PROMPT + b',"temperature":01}'), {400}),
        "nested 4,000 deep": (post(b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}"), {400}),
        "a broken escape": (post(b'{"model":"\\q"}'), {400}),
        "no UTF-8": (post(b'{"model":"\xff"}'), {400}),
        "another encoding": (post(PROMPT + b"}", ("Content-Encoding", "gzip")), {400, 415}),
        # Taken out, and served.
        "a handoff of its own": (post(PROMPT + b',"kv_transfer_params":{"remote_host":"169.254.169.254"}}'), {200}),
        "a handoff under an escaped name": (
            post(PROMPT + b',"kv_transfer_p\\u0061rams":{"do_remote_decode":true}}'), {200}),
        "a stranger as prefiller": (post(PROMPT + b"}", (ROUTE, stranger)), {403}),
        "a metadata service as prefiller": (post(PROMPT + b"}", (ROUTE, "169.254.169.254:80")), {403}),
        "its own admin port by name": (post(PROMPT + b"}", (ROUTE, "localhost:9464")), {400, 403, 504}),
        "user information": (post(PROMPT + b"}", (ROUTE, "a@" + member)), {400}),
        "a path in the target": (post(PROMPT + b"}", (ROUTE, member + "/x")), {400}),
        "an encoded slash": (post(PROMPT + b"}", path="/v1%2fchat/completions"), {400}),
        "dot segments": (post(PROMPT + b"}", path="/v1/../v1/chat/completions"), {400}),
        "two lengths": (framed(b"Content-Length: 1", b"Content-Length: 2"), {400}),
        "a length and chunks": (framed(b"Content-Length: 1", b"Transfer-Encoding: chunked"), {400}),
        "a bare line feed": (b"GET / HTTP/1.1\nHost: x\n\n", {400}),
        "a head of 80 KiB": (request("GET", "/", [("X", "x" * 81920)]), {431, 400}),
    }  # fmt: skip


class Mixed(Traffic):
    """The load of the chaos suite, with clients that leave and clients that attack."""

    def __init__(self, house, prefiller, decoder, stranger):
        self.attacks = list(hostile(prefiller.address, stranger).items())
        self.seen = collections.Counter()
        super().__init__(house, prefiller, decoder, streams=2, small=2, probers=1)
        for job, number in ((self._abort, 0), (self._abort, 1), (self._attack, 0), (self._attack, 7)):
            thread = threading.Thread(target=self._loop, args=(job, number), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _small(self, turn):
        """Up to three requests on one connection; a proxy that is being replaced announces that it closes it."""
        with Client(self.port) as client:
            for number in range(3):
                client.send(request("GET", "/v1/models"))
                try:
                    answer = client.response()
                except Closed as closed:
                    return "cut", f"request {number + 1} of its connection: {closed}"
                if answer.status != 200:
                    return str(answer.status), answer.body.decode("utf-8", "replace")
                if not answer.complete:
                    return "cut", f"within answer {number + 1} of its connection"
                if answer.json()["object"] != "list":
                    return "wrong", answer.body.decode("utf-8", "replace")
                if answer.one("connection") == "close":
                    break
        time.sleep(0.001)
        return "ok", ""

    def _abort(self, turn):
        """Leaves before the head, within the answer, or within its own request."""
        raw = request("POST", CHAT, [(ROUTE, self.prefiller)] if turn % 2 else [], chat("Go on.", 64, stream=True))
        with Client(self.port) as client:
            client.send(raw[:-5] if turn % 3 == 0 else raw)
            if turn % 3 == 2:
                client.sock.settimeout(10)
                if not client.sock.recv(64).startswith(b"HTTP/1.1 200"):
                    return "cut", "within an answer that was to be left"
        time.sleep(0.01)
        return "ok", ""

    def _attack(self, turn):
        name, (raw, expected) = self.attacks[turn % len(self.attacks)]
        with Client(self.port) as client:
            client.send(raw)
            status = client.response("POST").status
        if status not in expected:
            return str(status), f"{name}: {status} instead of {sorted(expected)}"
        self.seen[name] += 1
        time.sleep(0.01)
        return "ok", ""


class Churn:
    """Pods that come and go: the watcher publishes, dialer and proxy change over."""

    def __init__(self, cluster):
        self.cluster, self.running, self.changes = cluster, True, 0
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    def _loop(self):
        while self.running:
            name = f"other-{self.changes % 50}"
            self.cluster.put(pod(name, f"127.0.1.{1 + self.changes % 50}"))
            self.changes += 1
            if self.changes > 25:
                self.cluster.delete(f"other-{(self.changes - 25) % 50}")
            time.sleep(0.05)

    def stop(self):
        self.running = False
        self.thread.join(10)


@contextlib.contextmanager
def scene():
    """Engines, an API server that holds them, and the sidecar with all its components and walls."""
    with tempfile.TemporaryDirectory(prefix="mixed") as directory, contextlib.ExitStack() as stack:
        authority = Authority(pathlib.Path(directory))
        volume = Volume(pathlib.Path(directory) / "serviceaccount", TOKEN, authority.pem)
        prefiller, decoder = SimulatedEngine("prefill"), SimulatedEngine("decode")
        stack.callback(prefiller.close)
        stack.callback(decoder.close)
        api = FakeAPI(authority.server(), TOKEN)
        stack.callback(api.close)
        api.cluster.put(pool([prefiller.port]), pod("member", "127.0.0.1"))
        house = stack.enter_context(House(
            decoder.port, enable_ssrf_protection=True, resolve_names=True, kubernetes_server=api.url,
            kubernetes_ca_file=volume.authority_file, kubernetes_token_file=volume.token_file,
            inference_pool_namespace=NAMESPACE, inference_pool_name=POOL, log_level="info"))
        yield house, prefiller, decoder, api


def restart(house, role, how, log):
    """Replaces one component's process and waits until the sidecar is ready again."""
    old = house.row(role)["pid"]
    if how == "kill":
        log.kill(role, old)
    elif how == "signal" and role in ORDERS:
        house.process.send_signal(ORDERS[role])
    else:
        accepted, text = house.command(restart_order(role))
        assert accepted, text
    house.wait_new(role, old, READY_WITHIN.get(role, 45))
    house.wait_ready(READY_WITHIN.get(role, 45))


def run(minutes, seed):
    choose = random.Random(seed)
    with scene() as (house, prefiller, decoder, api):
        assert not house.logged("the sandbox is not complete"), "this host lacks walls: the run would show less"
        with Mixed(house, prefiller, decoder, f"127.0.2.1:{prefiller.port}"):
            time.sleep(1)
        for role in ROLES:
            restart(house, role, "order", Kills())
        before, log, done = settled_descriptors(house), Kills(), collections.Counter()
        metrics, churn = Monotonic(house), Churn(api.cluster)
        until = time.monotonic() + minutes * 60
        with Mixed(house, prefiller, decoder, f"127.0.2.1:{prefiller.port}") as traffic:
            while time.monotonic() < until:
                role, how = choose.choice(ROLES), choose.choice(("signal", "order", "kill"))
                restart(house, role, how, log)
                done[f"{role} {'killed' if how == 'kill' else 'restarted'}"] += 1
                if choose.random() < 0.1:
                    house.process.send_signal(signal.SIGHUP)
                time.sleep(choose.uniform(*PAUSE))
        churn.stop()
        metrics.stop()
        house.wait_ready()
        judge(house, traffic, metrics, log, done)
        assert_tidy(house, before)
        kinds = ", ".join(f"{traffic.count(kind):,} {kind}" for kind in ("stream", "small", "abort", "attack", "probe"))
        cut = sum(count for (_, result), count in traffic.counts.items() if result != "ok")
        return (f"{minutes:g} min, seed {seed}: {sum(done.values())} restarts {dict(sorted(done.items()))};"
                f" well: {kinds}; {cut} cut by a death; {churn.changes:,} pods put, {metrics.scrapes:,} scrapes")


def judge(house, traffic, metrics, log, done):
    """The run's promises, but for what it leaves behind."""
    found = house.metrics()
    loud = {name: found.get(name) for name in SILENT if found.get(name) != 0}
    assert not loud, f"not zero: {loud}\n" + "\n".join(house.logged('"error"')[-5:])
    unexplained = [trouble for trouble in traffic.troubles if not log.explains(trouble)]
    assert not unexplained, f"{len(unexplained)} unexplained of {len(traffic.troubles)}: {unexplained[:5]}"
    for kind in ("stream", "small", "probe", "abort", "attack"):
        assert traffic.count(kind) > 0, f"no {kind} ever succeeded: {traffic.counts}"
    missing = [name for name, _ in traffic.attacks if not traffic.seen[name]]
    assert not missing, f"never answered: {missing}"
    assert not metrics.drops, f"counters went down: {metrics.drops[:5]}"
    assert metrics.scrapes > 0
    # A death that nobody ordered: every one of ours was SIGKILL, or an order.
    ends = [line for line in house.logged('"error"', " ended: ") if "signal 9 (SIGKILL)" not in line]
    assert not ends, ends[:5]
    assert len(house.logged(" ended: signal 9 (SIGKILL)")) == len(log.at), "a process was killed by somebody else"
    assert len(done) == 2 * len(ROLES) or sum(done.values()) < 60, f"not everything was restarted and killed: {done}"


def main():
    stop_unless_linux()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    report = Report("mixed load")
    report.run("mixed load with restarts of every component behind the walls", lambda: run(options.minutes, seed))
    raise SystemExit(report.close())


if __name__ == "__main__":
    main()
