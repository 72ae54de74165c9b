"""Where a packet ends means nothing: one byte at a time and two requests in one packet are read the same."""

from harness import CHAT, HANDOFF, PROMPT, ROUTE, Client, encode_chunk, request


def test_a_routed_request_in_single_bytes(sidecar, decoder, prefiller):
    raw = request("POST", CHAT, [(ROUTE, prefiller.address)], PROMPT)
    with Client(sidecar.port) as client:
        for index in range(len(raw)):
            client.send(raw[index : index + 1])
        assert client.response().status == 200
    assert decoder.the_request().body == PROMPT[:-1] + b',"kv_transfer_params":' + HANDOFF + b"}"


def test_a_chunked_body_in_single_bytes(sidecar, decoder):
    body = encode_chunk(b'{"a"') + b"3;name=value\r\n: 1\r\n" + encode_chunk(b"}") + b"0\r\nX-Trailer: t\r\n\r\n"
    with Client(sidecar.port) as client:
        client.send(request("POST", "/v1/x", [("Transfer-Encoding", "chunked")], b""))
        for index in range(len(body)):
            client.send(body[index : index + 1])
        assert client.response().status == 200
    assert decoder.the_request().body == b'{"a": 1}'
