"""--resolve-names: a DNS name is as good as the address that the resolver finds, no better. The names are those of a
hosts file that only this machine of the test's own has."""

import pytest

from harness import CHAT, PROMPT, ROUTE, Engine, Sidecar, ask, assert_error, decodes, prefills
from support import own_machine

HOSTS = """
127.0.0.1 localhost
127.0.0.2 inside.test
127.0.0.4 outside.test
169.254.169.254 metadata.test
10.9.8.7 own.test
64:ff9b::a9fe:a9fe translated.test
169.254.169.254 both.test
127.0.0.2 both.test
"""
NOT_CHECKED = "NOT CHECKED: needs root, for a hosts file of its own"


class House:
    def __init__(self):
        self.inside = Engine(prefills(), host="127.0.0.2")
        self.outside = Engine(prefills(), host="127.0.0.4", port=self.inside.port)
        self.metadata = Engine(prefills(), host="169.254.169.254", port=self.inside.port)
        self.sidecar = Sidecar(
            Engine(decodes), enable_ssrf_protection=True, handoff_host_check="off", resolve_names=True,
            allow=f"{self.inside.address},{self.metadata.address}")

    def ask(self, value):
        for engine in (self.inside, self.outside, self.metadata, self.sidecar.decoder):
            engine.reset()
        answer = ask(self.sidecar.port, "POST", CHAT, [(ROUTE, value.format(port=self.inside.port))], PROMPT)
        assert self.outside.connection_count == 0 and self.metadata.connection_count == 0
        return answer

    def close(self):
        try:
            self.sidecar.stop()
        finally:
            for engine in (self.inside, self.outside, self.metadata, self.sidecar.decoder):
                engine.close()


@pytest.fixture(scope="module")
def house():
    if not own_machine.may_have_one():
        pytest.skip(NOT_CHECKED)
    with own_machine.own_machine(addresses=["10.9.8.7"], hosts=HOSTS, resolv_conf="nameserver 127.0.0.53\n"):
        house = House()
        yield house
        house.close()


@pytest.mark.parametrize("value", [
    "inside.test:{port}", "INSIDE.Test:{port}", "http://inside.test:{port}", "both.test:{port}",
    "outside.test:{port},inside.test:{port}", "metadata.test:{port},127.0.0.2:{port}",
])
def test_a_name_of_a_member_is_served(house, value):
    answer = house.ask(value)
    assert answer.status == 200, answer.body
    assert len(house.inside.requests) == 1


@pytest.mark.parametrize("value,kind", [
    ("outside.test:{port}", "prefill_target_not_allowed"),
    ("inside.test:80", "prefill_target_not_allowed"),
    ("metadata.test:{port}", "prefill_target_forbidden"),
    ("translated.test:{port}", "prefill_target_forbidden"),
    ("own.test:{port}", "prefill_target_forbidden"),
])
def test_a_name_of_anybody_else_is_refused(house, value, kind):
    assert_error(house.ask(value), 403, kind)
    assert house.inside.connection_count == 0 and house.sidecar.decoder.requests == []


@pytest.mark.parametrize("value", [
    "inside.test.:{port}", ".inside.test:{port}", "inside..test:{port}", "user@inside.test:{port}",
    "inside.test:{port}/", "inside.test", "inside.test:0", "https://inside.test:{port}", "inside.test%00:{port}",
    "inside.test#:{port}", "[inside.test]:{port}", "127.0.0.2.:{port}", "0x7f000002:{port}", "127.2:{port}",
    "inside.1:{port}", "inside.0x1:{port}", "-inside.test:{port}", "inside-.test:{port}", "insidé.test:{port}",
    "a" * 64 + ".test:{port}", "a." * 127 + "test:{port}",
])
def test_what_is_no_name_is_never_looked_up(house, value):
    assert_error(house.ask(value.encode().decode("latin-1")), 400, "BadRequestError")
    assert house.inside.connection_count == 0 and house.sidecar.decoder.requests == []


def test_localhost_is_not_looked_up(house):
    assert_error(house.ask("localhost:{port}"), 403, "prefill_target_not_allowed")
