"""An engine that sends more than it announced (or is made to) must not answer somebody else's request with it."""

import pytest

from harness import CHAT, ask, answers, assert_works, chunked_response, response, routed, prefill_answer

EVIL = response(body={"served": "evil"})
ANSWERS = {
    "behind a length": response(body=b"{}") + EVIL,
    "behind the last chunk": chunked_response([b"{}"]) + EVIL,
    "behind 204": b"HTTP/1.1 204 No Content\r\n\r\n" + EVIL,
    "behind 304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n" + EVIL,
    "a body in 204": b"HTTP/1.1 204 No Content\r\n\r\n" + b"x" * 50,
    "a body in 304": b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n" + b"x" * 50,
    "one byte more": response(body=b"{}") + b"H",
    "an interim answer": response(body=b"{}") + b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("raw", ANSWERS.values(), ids=ANSWERS.keys())
def test_from_the_decoder(sidecar, decoder, raw):
    decoder.script = answers(raw)
    for _ in range(3):
        answer = ask(sidecar.port, "POST", CHAT, body=b"{}")
        assert answer.status in (200, 204, 304, 502) and b"evil" not in answer.body
    decoder.reset()
    for number in range(5):
        assert ask(sidecar.port, target=f"/mine/{number}").json()["served"] == f"/mine/{number}"


def test_of_a_head_answer(sidecar, decoder):
    decoder.script = answers(response(body=b"{}"))  # a body that HEAD must not have
    assert ask(sidecar.port, "HEAD", "/x").status in (200, 502)
    decoder.reset()
    for number in range(5):
        assert ask(sidecar.port, target=f"/mine/{number}").json()["served"] == f"/mine/{number}"


def test_from_the_prefiller(sidecar, decoder, prefiller):
    prefiller.script = answers(response(body=prefill_answer()) + EVIL)
    for _ in range(3):
        answer = routed(sidecar, prefiller)
        assert answer.status in (200, 502) and b"evil" not in answer.body
    prefiller.reset()
    assert_works(sidecar, prefiller)
