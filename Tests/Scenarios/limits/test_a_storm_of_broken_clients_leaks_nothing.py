"""Hundreds of clients that leave, lie or break off at every point: afterwards no descriptor, buffer or request is left
in the proxy or the dialer, and both are the same processes as before."""

import random

from harness import (
    CHAT, PROMPT, ROUTE, STREAMED, Client, Closed, assert_works, encode_chunk, open_descriptors, request, wait_for,
)
from support.wire import Malformed


def test_it_does_not(launch, prefiller):
    sidecar = launch(upstream_idle_timeout="1s")
    assert_works(sidecar, prefiller)
    pids = {name: sidecar.component_pid(name) for name in ("proxy", "dialer")}

    def descriptors():
        return {name: open_descriptors(pid) for name, pid in pids.items()}

    quiet = lambda: sidecar.metric("sidecar_connections_open") == 0  # noqa: E731
    wait_for(quiet, "idle upstream connections to be closed")
    before = descriptors()

    chance = random.Random(7)
    route = [(ROUTE, prefiller.address)]
    raws = [
        request("POST", CHAT, route, PROMPT),
        request("POST", CHAT, route, STREAMED),
        request("POST", CHAT, [*route, ("Transfer-Encoding", "chunked")], encode_chunk(PROMPT) + b"0\r\n\r\n"),
        request("POST", "/v1/x", [("Content-Type", "audio/wav")], b"R" * 200_000),
        request("GET", "/a") * 5,
        request("POST", CHAT, [(ROUTE, "127.0.0.1:1")], PROMPT),
        request("POST", CHAT, [(ROUTE, "169.254.169.254:1")], PROMPT),
    ]
    for _ in range(400):
        raw = chance.choice(raws)
        if chance.random() < 0.6:
            raw = raw[: chance.randrange(len(raw))]
        if chance.random() < 0.3:
            at = chance.randrange(len(raw) or 1)
            raw = raw[:at] + chance.randbytes(3) + raw[at:]
        with Client(sidecar.port, timeout=0.05) as client:
            client.send(raw)
            if chance.random() < 0.5:
                try:
                    client.response()
                except (TimeoutError, Closed, Malformed):
                    pass
    prefiller.failures.clear()  # what was cut off on the way here is no finding
    sidecar.decoder.failures.clear()
    sidecar.wait_until_quiet()
    wait_for(quiet, "every connection to be closed", 10)
    wait_for(lambda: descriptors() == before, f"descriptors to be {before}, now {descriptors()}", 10)
    assert {name: sidecar.component_pid(name) for name in pids} == pids
    assert_works(sidecar, prefiller)
