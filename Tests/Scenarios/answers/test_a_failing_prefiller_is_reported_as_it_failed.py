"""A prefiller's non-2xx answer is the client's answer, headers and body included; the decoder is not asked."""

import pytest

from harness import COMPLETIONS, STREAMED, answers, chunked_response, json, response, routed


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 413, 422, 429, 500, 501, 502, 503, 504])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_it_is_forwarded(sidecar, decoder, prefiller, status, streamed):
    own = {"error": {"message": "The model `nope` does not exist.", "type": "t", "param": "model", "code": status}}
    extra = [("Retry-After", "3"), ("Location", "http://127.0.0.1:1/"), ("X-Engine", "p")]
    extra += [("Connection", "X-Hop"), ("X-Hop", "1")]
    prefiller.script = answers(response(status, own, extra))
    answer = routed(sidecar, prefiller, STREAMED if streamed else b"{}", COMPLETIONS)
    assert answer.status == status and answer.json() == own
    assert answer.one("retry-after") == "3" and answer.one("location") == "http://127.0.0.1:1/"
    assert answer.one("x-engine") == "p" and answer.one("x-hop") is None
    assert decoder.requests == []
    assert len(prefiller.requests) == 1


def test_a_chunked_error(sidecar, decoder, prefiller):
    prefiller.script = answers(chunked_response([b'{"error":', b"{}}"], status=500, content_type="application/json"))
    answer = routed(sidecar, prefiller)
    assert answer.status == 500 and json.loads(answer.body) == {"error": {}} and decoder.requests == []


def test_an_error_without_a_body(sidecar, decoder, prefiller):
    prefiller.script = answers(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    answer = routed(sidecar, prefiller)
    assert answer.status == 503 and answer.body == b"" and decoder.requests == []
