"""X-Forwarded-For gets the client's address appended; Host reaches the engines as the client wrote it."""

import pytest

from harness import CHAT, PROMPT, ROUTE, ask


@pytest.mark.parametrize(
    "before,after",
    [
        ([], "127.0.0.1"),
        (["10.1.2.3"], "10.1.2.3, 127.0.0.1"),
        (["10.1.2.3, 10.4.5.6"], "10.1.2.3, 10.4.5.6, 127.0.0.1"),
        (["10.1.2.3", "10.4.5.6"], "10.1.2.3, 10.4.5.6, 127.0.0.1"),
    ],
)
def test_forwarded_for(sidecar, decoder, prefiller, before, after):
    own = [("X-Forwarded-For", value) for value in before]
    assert ask(sidecar.port, headers=own).status == 200
    assert ", ".join(decoder.the_request().all("x-forwarded-for")) == after
    decoder.reset()
    assert ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address), *own], PROMPT).status == 200
    for seen in (prefiller.the_request(), decoder.the_request()):
        assert ", ".join(seen.all("x-forwarded-for")) == after


def test_host(sidecar, decoder):
    ask(sidecar.port)
    assert decoder.the_request().one("host") == "sidecar"
