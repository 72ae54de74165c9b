"""What leaves the allowlist: idle connections to it end at once, new requests are refused, running ones finish or are
cut (--revoked-connections). The allowlist is a file here, read again on HUP."""

import signal
import socket
import threading

import pytest

from harness import (
    CHAT,
    PROMPT,
    ROUTE,
    Engine,
    ask,
    assert_error,
    free_port,
    in_background,
    prefill_answer,
    prefills,
    response,
    routed,
    wait_for,
)


class Held:
    """A prefiller that answers when it is told to."""

    def __init__(self):
        self.go = threading.Event()

    def __call__(self, connection, request):
        self.go.wait(30)
        return response(body=prefill_answer())


class Full:
    """Listens, and its queue is full: whoever connects waits."""

    def __init__(self, host):
        self.listener = socket.socket()
        self.listener.bind((host, free_port()))
        self.listener.listen(0)
        self.address = "{}:{}".format(*self.listener.getsockname())
        self.waiting = []
        for _ in range(8):
            self.waiting.append(socket.socket())
            self.waiting[-1].setblocking(False)
            self.waiting[-1].connect_ex(self.listener.getsockname())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in [*self.waiting, self.listener]:
            sock.close()


@pytest.fixture
def pair():
    engines = [Engine(prefills(), host="127.0.0.2"), Engine(prefills(), host="127.0.0.3")]
    yield engines
    for engine in engines:
        engine.close()


class List:
    """The allowlist's file, and the sidecar that goes by it."""

    def __init__(self, launch, path, *engines, **flags):
        self.path, self.number = path, 0
        self.write(*(engine.address for engine in engines))
        # Nothing but the revocation may end an idle connection.
        self.sidecar = launch(
            enable_ssrf_protection=True, handoff_host_check="off", allow_file=path, upstream_idle_timeout="10m",
            prefill_timeout="30s", **flags)

    def write(self, *entries):
        """With a last entry by which this version can be told from all others."""
        self.number += 1
        self.mark = f"127.0.9.{self.number}:1"
        self.path.write_text("# who may be called\n" + "".join(entry + "\n" for entry in [*entries, self.mark]))

    def change(self, *engines):
        self.change_to(*(engine.address for engine in engines))

    def change_to(self, *entries):
        """Comes back when the new list is in force: its own entry is dialled, though nobody is there."""
        self.write(*entries)
        self.sidecar.signal(signal.SIGHUP)

        def is_in_force():
            return ask(self.sidecar.port, "POST", CHAT, [(ROUTE, self.mark)], PROMPT).status == 504

        wait_for(is_in_force, "the new list in force", timeout=5)
        self.blocked = self.count_blocked()

    def count_blocked(self):
        return {reason: self.sidecar.metric("ssrf_blocked_total", reason=reason)
                for reason in ("not_in_pool", "port_not_allowed")}

    def blocked_since(self):
        return {reason: count - self.blocked[reason] for reason, count in self.count_blocked().items()}


def test_idle_connections_end_at_once_and_new_requests_are_refused(launch, tmp_path, pair):
    leaves, stays = pair
    allowlist = List(launch, tmp_path / "allow", leaves, stays)
    sidecar = allowlist.sidecar
    for engine in pair:
        assert routed(sidecar, engine).status == 200
        assert len(engine.live) == 1, "the connection is not kept: nothing to be seen"
    allowlist.change(stays)
    wait_for(lambda: not leaves.live, "the end of the idle connection", timeout=5)
    assert_error(routed(sidecar, leaves), 403, "prefill_target_not_allowed")
    assert routed(sidecar, stays).status == 200
    assert (leaves.connection_count, stays.connection_count) == (1, 1), "a connection was made anew"
    assert sidecar.metric("sidecar_revoked_connections_total") >= 1
    assert allowlist.blocked_since() == {"not_in_pool": 1, "port_not_allowed": 0}


def test_what_comes_back_is_served_again(launch, tmp_path, pair):
    allowlist = List(launch, tmp_path / "allow", *pair)
    allowlist.change()
    for engine in pair:
        assert_error(routed(allowlist.sidecar, engine), 403, "prefill_target_not_allowed")
    allowlist.change(*pair)
    for engine in pair:
        assert routed(allowlist.sidecar, engine).status == 200


def test_another_port_of_the_same_address_is_no_longer_enough(launch, tmp_path, pair):
    allowlist = List(launch, tmp_path / "allow", pair[0])
    assert routed(allowlist.sidecar, pair[0]).status == 200
    allowlist.change_to(f"{pair[0].host}:{pair[0].port - 1}")
    wait_for(lambda: not pair[0].live, "the end of the idle connection", timeout=5)
    assert_error(routed(allowlist.sidecar, pair[0]), 403, "prefill_target_not_allowed")
    assert allowlist.blocked_since() == {"not_in_pool": 0, "port_not_allowed": 1}


def test_a_running_leg_finishes_and_its_connection_is_not_used_again(launch, tmp_path, pair):
    leaves, stays = pair
    allowlist = List(launch, tmp_path / "allow", *pair, revoked_connections="finish")
    leaves.script = Held()
    running = in_background(lambda: routed(allowlist.sidecar, leaves))
    leaves.wait_for_requests(1)
    allowlist.change(stays)
    assert_error(routed(allowlist.sidecar, leaves), 403, "prefill_target_not_allowed")
    assert leaves.live, "the running leg was cut"
    leaves.script.go.set()
    assert running().status == 200
    wait_for(lambda: not leaves.live, "the end of its connection", timeout=5)


def test_a_running_leg_is_cut_on_demand(launch, tmp_path, pair):
    leaves, stays = pair
    allowlist = List(launch, tmp_path / "allow", *pair, revoked_connections="cut")
    leaves.script, stays.script = Held(), Held()
    cut, other = in_background(lambda: routed(allowlist.sidecar, leaves)), in_background(
        lambda: routed(allowlist.sidecar, stays))
    leaves.wait_for_requests(1)
    stays.wait_for_requests(1)
    allowlist.change(stays)
    assert_error(cut(), 403, "prefill_target_not_allowed")
    leaves.script.go.set()
    wait_for(lambda: not leaves.live, "the end of its connection", timeout=5)
    stays.script.go.set()
    assert other().status == 200
    assert len(allowlist.sidecar.decoder.requests) == 1


def test_a_dial_that_is_under_way_is_given_up(launch, tmp_path, pair):
    with Full("127.0.0.4") as full:
        allowlist = List(launch, tmp_path / "allow", full, pair[0], connect_timeout="50s")
        running = in_background(lambda: routed(allowlist.sidecar, full))
        allowlist.sidecar.wait_for_metric(1, "sidecar_dials_total", purpose="prefiller")
        allowlist.change(pair[0])
        assert_error(running(), 403, "prefill_target_not_allowed")


def test_a_proxy_that_starts_later_goes_by_the_list_in_force(launch, tmp_path, pair):
    leaves, stays = pair
    allowlist = List(launch, tmp_path / "allow", *pair)
    allowlist.change(stays)
    old = allowlist.sidecar.component_pid("proxy")
    allowlist.sidecar.signal(signal.SIGUSR2)
    allowlist.sidecar.wait_for_new("proxy", old)
    answer = ask(allowlist.sidecar.port, "POST", CHAT, [(ROUTE, leaves.address)], PROMPT)
    assert_error(answer, 403, "prefill_target_not_allowed")
    assert routed(allowlist.sidecar, stays).status == 200
    assert leaves.connection_count == 0


def test_a_dialer_that_starts_later_goes_by_the_list_in_force(launch, tmp_path, pair):
    leaves, stays = pair
    allowlist = List(launch, tmp_path / "allow", *pair)
    allowlist.change(stays)
    old = allowlist.sidecar.component_pid("dialer")
    allowlist.sidecar.signal(signal.SIGRTMIN + 1)
    allowlist.sidecar.wait_for_new("dialer", old)
    assert_error(routed(allowlist.sidecar, leaves), 403, "prefill_target_not_allowed")
    assert routed(allowlist.sidecar, stays).status == 200
