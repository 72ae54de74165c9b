"""Each value has exactly one outcome: who is asked, which status, which error, which counter (support/targets.py)."""

import contextlib
import re

import pytest

from harness import (
    CHAT,
    PROMPT,
    ROUTE,
    Client,
    Engine,
    Sidecar,
    assert_error,
    decodes,
    free_port,
    prefills,
    request,
    wait_for,
)
from support import own_machine, targets

REASONS = ("malformed", "not_in_pool", "port_not_allowed", "forbidden_address", "no_allowlist")
OWN = ["10.9.8.7", "fd42::7"]
NOT_CHECKED = "NOT CHECKED: addresses beyond loopback need a machine of their own, which only root can make"


class House:
    """A sidecar with a fixed allowlist, the engines in it, and canaries on addresses that are not."""

    def __init__(self, isolated):
        ports = {name: free_port() for name in ("A", "B", "C", "D", "X")}
        while len(set(ports.values())) < len(ports):
            ports = {name: free_port() for name in ports}
        self.engines = {
            "A": Engine(prefills(), host="127.0.0.2", port=ports["A"]),
            "B": Engine(prefills(), host="127.0.0.3", port=ports["B"]),
            "C": Engine(prefills(), host="::1", port=ports["C"]),
        }
        self.canaries = [Engine(prefills(), host=host, port=ports["A"]) for host in ("127.0.0.1", "127.0.0.4")]
        self.canaries += [Engine(prefills(), host="127.0.0.2", port=ports["X"])]
        if isolated:
            self.canaries += [Engine(prefills(), host="::", port=80)]  # of every address there is
        allow = [f"127.0.0.2:{ports['A']}", f"127.0.0.3:{ports['B']}", f"[::1]:{ports['C']}", f"127.0.0.9:{ports['D']}"]
        ports |= {"ADMIN": free_port(), "SERVING": free_port()}
        self.sidecar = Sidecar(
            Engine(decodes), enable_ssrf_protection=True, handoff_host_check="off", decoder_host="127.0.0.1",
            env={"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"},
            allow=",".join(allow + targets.also_allowed(ports)), port=ports["SERVING"], admin_port=ports["ADMIN"])
        self.ports = ports

    def reset(self):
        for engine in [*self.engines.values(), *self.canaries, self.sidecar.decoder]:
            engine.reset()
        self.blocked = self.counts()
        self.connects = own_machine.connects()

    def counts(self):
        """Refusals by reason so far."""
        text = self.sidecar.admin("/metrics").body.decode()
        return {reason: int(re.search(rf'^ssrf_blocked_total{{reason="{reason}"}} (\d+)$', text, re.M)[1])
                for reason in REASONS}

    def unknown_connects(self):
        """Connections that were begun since the request, but for ours and those to engines that were reached."""
        known = 1 + sum(engine.connection_count for engine in [*self.engines.values(), self.sidecar.decoder])
        return own_machine.connects() - self.connects - known

    def answer(self, value):
        """One request; afterwards nobody but the engines in the allowlist may have noticed anything."""
        self.reset()
        headers = [(ROUTE, line) for line in targets.written(value, self.ports)]
        with Client(self.sidecar.port) as client:
            client.send(request("POST", CHAT, headers, PROMPT))
            answer = client.response()
        assert not any(canary.connection_count for canary in self.canaries)
        return answer

    def asked(self):
        return tuple(name for name, engine in self.engines.items() if engine.requests)

    def close(self):
        try:
            self.sidecar.stop()
        finally:
            for engine in [*self.engines.values(), *self.canaries, self.sidecar.decoder]:
                engine.close()


@pytest.fixture(scope="module")
def isolated():
    return own_machine.may_have_one()


@pytest.fixture(scope="module")
def house(isolated):
    with own_machine.own_machine(addresses=OWN) if isolated else contextlib.nullcontext():
        house = House(isolated)
        yield house
        house.close()


def name_of(value):
    return ascii(value)[:50]


def test_the_table_is_as_large_as_it_must_be():
    assert len(list(targets.cases())) + len(targets.NEVER_CALLED) >= 150


@pytest.mark.parametrize("value,outcome", [pytest.param(*case, id=name_of(case[0])) for case in targets.cases()])
def test_it_has_its_one_outcome(house, isolated, value, outcome):
    if outcome is targets.OUTSIDE and not targets.stays_here(value) and not isolated:
        pytest.skip(NOT_CHECKED)
    answer = house.answer(value)
    decoded = house.sidecar.decoder.requests
    if not isinstance(outcome[0] if outcome else "", int):
        assert answer.status == 200, answer.body
        assert house.asked() == outcome and len(decoded) == 1
        assert decoded[0].one(ROUTE) is None
        return
    status, kind, reason = outcome
    assert_error(answer, status, kind)
    assert house.asked() == () and decoded == []
    new = {name: count - house.blocked[name] for name, count in house.counts().items()}
    if reason is None:
        # What was passed over on the way to one that could not be reached is counted as well.
        assert all(new[name] == 0 for name in ("malformed", "forbidden_address")), new
    elif "," in str(value) or "localhost" in str(value):  # several candidates, each of which may be counted
        assert new[reason] >= 1, new
    else:
        assert new == {name: 1 if name == reason else 0 for name in REASONS}, new


@pytest.mark.parametrize("value", targets.NEVER_CALLED, ids=name_of)
def test_what_is_always_refused_is_refused_though_it_is_allowed(house, isolated, value):
    if not isolated:
        pytest.skip(NOT_CHECKED)
    answer = house.answer(value)
    assert_error(answer, *targets.NEVER[:2])
    assert house.asked() == () and house.sidecar.decoder.requests == []
    wait_for(lambda: house.unknown_connects() == 0, "every connection to be a known one", timeout=3)
    assert house.counts()["forbidden_address"] >= house.blocked["forbidden_address"] + 1
