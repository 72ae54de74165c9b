"""A decoder that refuses is 503, one that dies before its answer is 502; both say so without internal addresses."""

import pytest

from harness import CHAT, PROMPT, ROUTE, Engine, ask, assert_error, assert_works, decodes, routed, wait_for


def test_refused(launch, prefiller):
    sidecar = launch()
    assert_works(sidecar, prefiller)
    sidecar.decoder.close()
    plain = assert_error(ask(sidecar.port), 503)
    for answer in (ask(sidecar.port, "POST", CHAT, body=PROMPT), routed(sidecar, prefiller)):
        assert "127.0.0.1" not in assert_error(answer, 503) + plain
    revived = Engine(decodes, port=sidecar.decoder.port)
    try:
        wait_for(lambda: ask(sidecar.port).status == 200, "service after the decoder came back")
    finally:
        revived.close()


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("with_header", [True, False], ids=["routed", "plain"])
def test_it_dies_before_its_answer(sidecar, decoder, prefiller, how, with_header):
    decoder.script = lambda connection, request: getattr(connection, how)()
    answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)] if with_header else [], PROMPT)
    assert "127.0.0.1" not in assert_error(answer, 502)
    decoder.reset()
    assert_works(sidecar, prefiller)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_the_prefiller_dies_before_its_answer(sidecar, decoder, prefiller, how):
    prefiller.script = lambda connection, request: getattr(connection, how)()
    assert_error(routed(sidecar, prefiller), 502)
    assert decoder.requests == []


def test_the_prefiller_dies_in_its_body(sidecar, decoder, prefiller):
    def script(connection, request):
        connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a":')
        connection.reset()

    prefiller.script = script
    assert_error(routed(sidecar, prefiller), 502)
    assert decoder.requests == []
