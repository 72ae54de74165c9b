"""--enable-prefiller-sampling spreads requests over the candidates; what may not or can't be reached is passed over."""

import pytest

from harness import CHAT, PROMPT, ROUTE, Client, Engine, free_port, prefills, request

REQUESTS = 200


@pytest.fixture
def pair():
    engines = [Engine(prefills(), host="127.0.0.2"), Engine(prefills(), host="127.0.0.3")]
    yield engines
    for engine in engines:
        engine.close()
        assert not engine.failures, engine.failures


def start(launch, engines, *others, **flags):
    allow = ",".join([*(engine.address for engine in engines), *others])
    return launch(enable_ssrf_protection=True, handoff_host_check="off", allow=allow, **flags)


def serve(sidecar, *candidates, lines=False):
    """That many requests, all of them served."""
    headers = [(ROUTE, value) for value in candidates] if lines else [(ROUTE, ",".join(candidates))]
    with Client(sidecar.port) as client:
        for _ in range(REQUESTS):
            client.send(request("POST", CHAT, headers, PROMPT))
            answer = client.response()
            assert answer.status == 200, answer.body


@pytest.mark.parametrize("lines", [False, True])
def test_each_of_two_is_used(launch, pair, lines):
    serve(start(launch, pair, enable_prefiller_sampling=True), pair[0].address, pair[1].address, lines=lines)
    used = [len(engine.requests) for engine in pair]
    # A fair coin falls outside of these bounds once in 10^11 such tests.
    assert sum(used) == REQUESTS and min(used) >= 50, used


def test_one_that_refuses_falls_through_to_the_other(launch, pair):
    nobody = f"127.0.0.9:{free_port()}"
    sidecar = start(launch, pair, nobody, enable_prefiller_sampling=True)
    serve(sidecar, nobody, pair[0].address)
    assert len(pair[0].requests) == REQUESTS
    # It was really chosen first at times.
    assert sidecar.metric("sidecar_dial_failures_total") >= 50


def test_one_that_is_not_allowed_is_never_chosen(launch, pair):
    serve(start(launch, pair[:1], enable_prefiller_sampling=True), pair[1].address, pair[0].address)
    assert len(pair[0].requests) == REQUESTS and pair[1].connection_count == 0


def test_without_it_the_first_is_used_as_long_as_it_can_be_reached(launch, pair):
    sidecar = start(launch, pair)
    serve(sidecar, pair[0].address, pair[1].address)
    assert [len(engine.requests) for engine in pair] == [REQUESTS, 0]
    pair[0].close()
    serve(sidecar, pair[0].address, pair[1].address)
    assert [len(engine.requests) for engine in pair] == [REQUESTS, REQUESTS]
