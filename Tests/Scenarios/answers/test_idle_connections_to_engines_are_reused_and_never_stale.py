"""Upstream connections are kept and reused; one that the engine has closed meanwhile costs no request."""

import time

from harness import CHAT, PROMPT, ask, decodes, response, routed


def test_they_are_reused(sidecar, decoder, prefiller):
    ask(sidecar.port)
    decoder.reset()
    for _ in range(10):
        assert routed(sidecar, prefiller).status == 200
    for engine in (prefiller, decoder):
        assert len({seen.connection for seen in engine.requests}) <= 2


def test_a_connection_closed_while_idle(sidecar, decoder, prefiller):
    def then_close(script):
        def answer_and_close(connection, request):
            connection.send(script(connection, request))
            time.sleep(0.05)
            connection.close()

        return answer_and_close

    decoder.script = then_close(decodes)
    prefiller.script = then_close(prefiller.default_script)
    for _ in range(5):
        assert routed(sidecar, prefiller).status == 200
        time.sleep(0.2)
        assert ask(sidecar.port, "POST", CHAT, body=PROMPT).status == 200
        time.sleep(0.2)


def test_connection_close_of_an_engine_is_honoured(sidecar, decoder):
    decoder.script = lambda connection, request: response(body={"served": "x"}, headers=[("Connection", "close")])
    for _ in range(3):
        assert ask(sidecar.port).status == 200
    assert len({seen.connection for seen in decoder.requests}) == 3


def test_an_idle_connection_is_closed_in_time(launch):
    sidecar = launch(upstream_idle_timeout="1s")
    assert ask(sidecar.port).status == 200
    time.sleep(3)
    assert not [connection for connection in sidecar.decoder.live if connection.served]
    assert ask(sidecar.port).status == 200
