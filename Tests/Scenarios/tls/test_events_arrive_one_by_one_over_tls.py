"""Each event of a stream is a record of its own at once, on TLS legs as on plain ones."""

import ssl

import pytest

from harness import CHAT, DONE, ROUTE, STREAMED, Stepwise, in_background, request

BOTH = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("with_header", [True, False], ids=["routed", "plain"])
def test_they_do(secure, certificates, tls_prefiller, version, with_header):
    secure.decoder.script = stream = Stepwise()
    with secure.connect(certificates.client(versions=(version, version))) as client:
        client.send(request("POST", CHAT, [(ROUTE, tls_prefiller.address)] if with_header else [], STREAMED))
        client.read_until(b"\r\n\r\n")
        for number in range(10):
            stream.step(f"event-{number}")
            assert f"event-{number}".encode() in client.read_until(b"\n\n")
            assert client.reader.buffer in (b"", b"\r\n")
        stream.finish()
        assert DONE in client.read_until(b"0\r\n\r\n")
        # The same connection goes on.
        secure.decoder.script = secure.decoder.default_script
        assert client.ask().status == 200


def test_many_streams_at_once_keep_their_order_over_tls(secure, tls_prefiller):
    count = 40

    def script(connection, request):
        name = request.json()["messages"][0]["content"]
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(50):
            data = f"data: {name}-{number}\n\n".encode()
            connection.send(b"%x\r\n%s\r\n" % (len(data), data))
        return b"0\r\n\r\n"

    secure.decoder.script = script

    def one(name):
        body = b'{"model":"tiny","stream":true,"messages":[{"role":"user","content":"%d"}]}' % name
        with secure.connect() as client:
            answer = client.ask("POST", CHAT, [(ROUTE, tls_prefiller.address)] if name % 2 else [], body)
        return answer

    running = [in_background(lambda name=name: one(name)) for name in range(count)]
    for name, result in enumerate(running):
        answer = result()
        assert answer.complete and answer.status == 200
        assert answer.body == b"".join(f"data: {name}-{number}\n\n".encode() for number in range(50))
