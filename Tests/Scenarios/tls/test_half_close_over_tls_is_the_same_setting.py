"""close_notify and FIN of a client are its half close: cancel by default, --client-half-close serve answers it."""

import pytest

from harness import CHAT, ROUTE, STREAMED, Stepwise, request


@pytest.mark.parametrize("with_header", [True, False], ids=["routed", "plain"])
@pytest.mark.parametrize("begun", [False, True], ids=["before", "during the answer"])
def test_serve_answers_it_over_tls(launch_tls, prefiller, with_header, begun):
    sidecar = launch_tls(client_half_close="serve")
    sidecar.decoder.script = stream = Stepwise()
    with sidecar.connect() as client:
        client.send(request("POST", CHAT, [(ROUTE, prefiller.address)] if with_header else [], STREAMED))
        if begun:
            assert stream.started.wait(5)
        client.half_close()
        client.read_until(b"\r\n\r\n")
        stream.step("still here")
        assert b"still here" in client.read_until(b"\n\n")
        stream.finish()
        rest = client.wait_until_closed()
        assert b"[DONE]" in rest and rest.endswith(b"0\r\n\r\n") and not client.reader.was_reset
