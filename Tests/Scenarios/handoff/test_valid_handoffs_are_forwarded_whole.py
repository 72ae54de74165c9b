"""Members a sidecar has never heard of, and every spelling of a valid handoff, reach the decoder verbatim."""

import pytest

from harness import encode_chunk, head, prefill_answer, prefills, response, routed

BASE = b'"do_remote_prefill":true,"remote_engine_id":"e","remote_request_id":"r","remote_host":"127.0.0.1"'
MANY = b",".join(b"%d" % number for number in range(20_000))
VALID = {
    "minimal": b"{" + BASE + b',"remote_block_ids":[[0]],"remote_port":1}',
    "several groups": b"{" + BASE + b',"remote_block_ids":[[1,2],[3]],"remote_port":65535}',
    "the largest block id": b"{" + BASE + b',"remote_block_ids":[[2147483647]],"remote_port":1}',
    "the port as text": b"{" + BASE + b',"remote_block_ids":[[1]],"remote_port":"18602"}',
    "white space": b"{ " + BASE + b' ,\n"remote_block_ids" : [ [ 1 , 2 ] ] , "remote_port" : 1 }',
    "unknown members": b"{" + BASE + b',"remote_block_ids":[[1]],"remote_port":1,"x":{"y":[1.5e3,"\\u00e9",null]}}',
    "an escaped name": b"{" + BASE + b',"remote\\u005fblock_ids":[[1]],"remote_port":1}',
    "many blocks": b"{" + BASE + b',"remote_block_ids":[[' + MANY + b']],"remote_port":1}',
}


@pytest.mark.parametrize("handoff", VALID.values(), ids=VALID.keys())
def test_it_is_forwarded(sidecar, decoder, prefiller, handoff):
    prefiller.script = prefills(handoff)
    assert routed(sidecar, prefiller, b'{"a":1}').status == 200
    assert decoder.the_request().body == b'{"a":1,"kv_transfer_params":' + handoff + b"}"


def chunked(body):
    pieces = b"".join(encode_chunk(body[index : index + 11]) for index in range(0, len(body), 11))
    return head("HTTP/1.1 200 OK", [("transfer-encoding", "chunked")]) + pieces + b"0\r\nX-Sum: 1\r\n\r\n"


@pytest.mark.parametrize("framing", ["chunked", "until close", "after 100 and 103", "201"])
def test_however_the_answer_is_framed(sidecar, decoder, prefiller, framing):
    body = prefill_answer()
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"

    def script(connection, request):
        if framing == "until close":
            connection.send(head("HTTP/1.1 200 OK", [("content-type", "application/json")]) + body)
            connection.close()
            return None
        return {
            "chunked": chunked(body),
            "after 100 and 103": interim + response(body=body),
            "201": response(201, body),
        }[framing]

    prefiller.script = script
    assert routed(sidecar, prefiller).status == 200
    assert b'"kv_transfer_params":' in decoder.the_request().body
