"""A body that ends with the connection is whole only after close_notify: who could cut the network could cut the answer."""

import pytest

from harness import CHAT, PROMPT, ROUTE, assert_error, request


def until_close(end):
    def script(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nthe first half")
        end(connection)

    return script


def goodbye(connection):
    connection.close()


def cut(connection):
    connection.sock.cut()
    connection.close()


def reset(connection):
    connection.reset()


def is_complete(client, method="GET"):
    """As a client sees it: framing, goodbye and all."""
    answer = client.response(method)
    assert answer.status == 200
    return answer.complete


@pytest.mark.parametrize("end,whole", [(goodbye, True), (cut, False), (reset, False)])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_it_is(secure, end, whole, version):
    """Whether the sidecar frames it by chunks or by the end of its own connection, the break is visible."""
    secure.decoder.script = until_close(end)
    with secure.connect() as client:
        client.send(request("GET", "/half").replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
        assert is_complete(client) == whole


@pytest.mark.parametrize("end,whole", [(goodbye, True), (cut, False), (reset, False)])
def test_in_plain_to_the_client_too(launch, engine, certificates, end, whole):
    from harness import Client

    sidecar = launch(engine(until_close(end)), decoder_use_tls=True, ca_cert_path=certificates.ca)
    for version in ("1.1", "1.0"):
        with Client(sidecar.port) as client:
            client.send(request("GET", "/half").replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
            assert is_complete(client) == whole


@pytest.mark.parametrize("end", [goodbye, cut, reset])
def test_a_promised_length_that_never_comes(secure, end):
    def script(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe first half")
        end(connection)

    secure.decoder.script = script
    with secure.connect() as client:
        client.send(request("GET", "/half"))
        assert not is_complete(client)


@pytest.mark.parametrize("end", [cut, reset])
def test_a_handoff_that_was_cut_is_not_used(secure, engine, end):
    from harness import prefill_answer

    def script(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + prefill_answer())
        end(connection)

    prefiller = engine(script)
    with secure.connect() as client:
        assert_error(client.ask("POST", CHAT, [(ROUTE, prefiller.address)], PROMPT), 502)
    assert secure.decoder.requests == []


@pytest.mark.parametrize("end", [goodbye, cut])
def test_one_with_a_length_that_came_is_whole(secure, end):
    """All that was promised is there: how the connection ends afterwards is nobody's loss."""

    def script(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole")
        end(connection)

    secure.decoder.script = script
    with secure.connect() as client:
        client.send(request("GET", "/whole"))
        answer = client.response()
        assert answer.complete and answer.body == b"whole"


def test_nothing_before_the_goodbye_is_a_bad_gateway(secure):
    secure.decoder.script = lambda connection, request: goodbye(connection)
    with secure.connect() as client:
        assert_error(client.ask("POST", CHAT, body=PROMPT), 502)
