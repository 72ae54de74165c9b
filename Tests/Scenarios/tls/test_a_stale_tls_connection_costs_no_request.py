"""An engine that closed a kept connection meanwhile is called anew, once; a TLS failure of that call is not repeated."""

import time

import pytest

from harness import CHAT, PROMPT, ROUTE, ask, assert_error, decodes, prefills


def then(script, end):
    def answer_and_end(connection, request):
        connection.send(script(connection, request))
        time.sleep(0.03)
        end(connection)

    return answer_and_end


def cut(connection):
    connection.sock.cut()
    connection.close()


def close(connection):
    connection.close()


def reset(connection):
    connection.reset()


@pytest.mark.parametrize("end", [close, cut, reset], ids=lambda end: end.__name__)
def test_it_does_not(launch, engine, certificates, end):
    prefiller, decoder = engine(then(prefills(), end)), engine(then(decodes, end))
    sidecar = launch(decoder, decoder_use_tls=True, prefiller_use_tls=True, ca_cert_path=certificates.ca)
    for number in range(6):
        assert ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)], PROMPT).status == 200
        time.sleep(0.1 * (number % 2))
    assert len(prefiller.requests) == len(decoder.requests) == 6


def test_one_that_ends_with_the_request_is_called_again(launch, engine, certificates):
    """The race: the engine lets go just when the next request is on its way."""
    served = []

    def script(connection, request):
        if connection.served > 1:
            connection.close()
            return None
        served.append(request)
        return prefills()(connection, request)

    prefiller = engine(script)
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=certificates.ca)
    for _ in range(3):
        assert ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)], PROMPT).status == 200
    assert len(served) == 3


def test_the_new_call_is_verified(launch, engine, certificates):
    prefiller = engine(then(prefills(), close))
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=certificates.ca)
    assert ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)], PROMPT).status == 200
    prefiller.context = certificates.server("foreign")
    assert_error(ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)], PROMPT), 502, "prefiller_tls_failed")
    assert prefiller.connection_count == 2
