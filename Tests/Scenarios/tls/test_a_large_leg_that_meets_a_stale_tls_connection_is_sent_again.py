"""The engine resets a kept connection while a leg is being written: what breaks is the connection and not its TLS, so the
leg is sent once more. What the engine said before it closed is heard."""

import ssl

import pytest

from harness import ask, response

OTHER, BYTES = "/v1/other", [("content-type", "application/octet-stream")]
LARGE = b"x" * (8 << 20)


def post(sidecar, body):
    return ask(sidecar.port, "POST", OTHER, BYTES, body)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_it_is(launch, engine, certificates, version):
    def script(connection, request):
        if connection.served == 2:
            connection.reset()
            return None
        connection.read_body(request)
        return response(200, b"ok")

    decoder = engine(script, version=ssl.TLSVersion[version], read_bodies=False)
    sidecar = launch(decoder, decoder_use_tls=True, ca_cert_path=certificates.ca)
    for turn in range(8):
        assert post(sidecar, b"small").status == 200
        assert post(sidecar, LARGE).status == 200, turn
    assert sidecar.metric("sidecar_retries_total") >= 8
    assert sidecar.metric("sidecar_errors_total", type="tls") == 0


def test_a_refusal_before_the_end_of_the_body_is_heard(launch, engine, certificates):
    """413, a goodbye, and a reset for what is still being written."""
    def script(connection, request):
        connection.send(response(413, b"no", headers=[("connection", "close")]))
        connection.sock.say_goodbye()
        connection.close()

    decoder = engine(script, read_bodies=False)
    sidecar = launch(decoder, decoder_use_tls=True, ca_cert_path=certificates.ca)
    answers = [post(sidecar, LARGE).status for _ in range(8)]
    # A reset may overtake the answer, as it may in the clear; it is never taken for broken TLS.
    assert set(answers) <= {413, 502} and sidecar.metric("sidecar_errors_total", type="tls") == 0, answers
