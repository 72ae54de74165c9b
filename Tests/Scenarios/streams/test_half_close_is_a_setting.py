"""A client that shuts its sending side is taken for gone, as uvicorn takes it; --client-half-close serve answers it."""

import pytest

from harness import CHAT, PROMPT, ROUTE, Client, Stepwise, assert_works, open_stream, request


def test_cancel_is_the_default(sidecar, decoder, prefiller):
    decoder.script = stream = Stepwise()
    with open_stream(sidecar, prefiller) as client:
        client.read_until(b"\r\n\r\n")
        client.half_close()
        assert stream.gone.wait(5)
        assert b"[DONE]" not in client.wait_until_closed()
    decoder.reset()
    assert_works(sidecar)


@pytest.mark.parametrize("with_header", [True, False], ids=["routed", "plain"])
def test_serve_answers_it(launch, prefiller, with_header):
    sidecar = launch(client_half_close="serve")
    sidecar.decoder.script = stream = Stepwise()
    with open_stream(sidecar, prefiller if with_header else None) as client:
        client.half_close()
        client.read_until(b"\r\n\r\n")
        stream.step("still here")
        assert b"still here" in client.read_until(b"\n\n")
        stream.finish()
        rest = client.wait_until_closed()
        assert b"[DONE]" in rest and rest.endswith(b"0\r\n\r\n")


def test_serve_still_notices_a_full_close(launch, prefiller):
    sidecar = launch(client_half_close="serve")
    sidecar.decoder.script = stream = Stepwise()
    client = open_stream(sidecar, prefiller)
    client.half_close()
    client.read_until(b"\r\n\r\n")
    client.sock.close()
    for _ in range(20):
        stream.step("x")  # what is sent to a closed socket comes back as a reset
        if stream.gone.wait(0.2):
            break
    assert stream.gone.is_set()


def test_an_idle_half_close_ends_the_connection(sidecar):
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, [(ROUTE, "")], PROMPT))
        assert client.response().status == 200
        client.half_close()
        assert client.wait_until_closed() == b""
