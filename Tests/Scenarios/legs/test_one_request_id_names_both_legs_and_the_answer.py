"""One x-request-id on both legs and on the answer: the client's when it is well formed, else a new one."""

import re

import pytest

from harness import CHAT, ROUTE, PROMPT, ask, routed

WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")


def ids(sidecar, prefiller, answer):
    engines = (prefiller.the_request(), sidecar.decoder.the_request())
    found = {seen.one("x-request-id") for seen in engines} | {answer.one("x-request-id")}
    assert len(found) == 1, found
    return found.pop()


@pytest.mark.parametrize("own", ["a", "req-1.B_2", "x" * 128], ids=lambda own: own[:9])
def test_a_well_formed_one_is_kept(sidecar, prefiller, own):
    answer = routed(sidecar, prefiller, headers=[("X-Request-Id", own)])
    assert ids(sidecar, prefiller, answer) == own


MALFORMED = ["", "x" * 129, "a b", "a/b", "é", "a,b", '"a"', "<script>", "a;b"]


@pytest.mark.parametrize("own", MALFORMED, ids=lambda own: ascii(own)[:9])
def test_another_is_replaced(sidecar, prefiller, own):
    answer = routed(sidecar, prefiller, headers=[("X-Request-Id", own.encode().decode("latin-1"))])
    found = ids(sidecar, prefiller, answer)
    assert WELL_FORMED.match(found) and found != own and len(found) >= 16


def test_two_become_one(sidecar, prefiller):
    headers = [(ROUTE, prefiller.address), ("X-Request-Id", "one"), ("X-Request-Id", "two")]
    answer = ask(sidecar.port, "POST", CHAT, headers, PROMPT)
    assert answer.status == 200 and WELL_FORMED.match(ids(sidecar, prefiller, answer))


def test_new_ones_differ(sidecar, decoder, prefiller):
    found = {routed(sidecar, prefiller).one("x-request-id") for _ in range(20)}
    assert len(found) == 20


def test_an_error_carries_it_too(sidecar, prefiller):
    prefiller.close()
    answer = routed(sidecar, prefiller, headers=[("X-Request-Id", "mine")])
    assert answer.status == 504 and answer.one("x-request-id") == "mine"


def test_a_plain_request_keeps_the_clients(sidecar, decoder):
    assert ask(sidecar.port, headers=[("X-Request-Id", "mine")]).status == 200
    assert decoder.the_request().one("x-request-id") == "mine"
