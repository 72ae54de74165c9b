"""Without --allow-loopback-upstreams no spelling of the loopback address is dialled, except for the decoder."""

from harness import CHAT, PROMPT, ROUTE, ask, assert_error, assert_works


def test_every_spelling_is_refused(launch, prefiller):
    sidecar = launch(allow_loopback_upstreams=None)
    mapped = ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]")
    for host in ("127.0.0.1", "localhost", "[::1]", "127.0.0.2", "127.255.255.254", *mapped):
        answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, f"{host}:{prefiller.port}")], PROMPT)
        assert_error(answer, 403)
    assert prefiller.connection_count == 0 and sidecar.decoder.requests == []
    assert_works(sidecar)
