"""The decoder counts transferred tokens as cached; the answer gets the prefiller's number, nothing else changes."""

import gzip

import pytest

from harness import (
    CHAT, COMPLETIONS, DONE, STREAMED, answers, ask, chunked_response, head, prefills, response, routed,
)

DOCUMENTS = {
    "replaced": (
        b'{"usage":{"prompt_tokens_details":{"cached_tokens":80}}}',
        b'{"usage":{"prompt_tokens_details":{"cached_tokens":7}}}',
    ),
    "others kept": (
        b'{"id": "x","usage": {"total":80 ,"prompt_tokens_details":{"audio":1,"cached_tokens" : 80}},"z":[1.0]}',
        b'{"id": "x","usage": {"total":80 ,"prompt_tokens_details":{"audio":1,"cached_tokens" : 7}},"z":[1.0]}',
    ),
    "elsewhere kept": (
        b'{"choices":[{"usage":{"prompt_tokens_details":{"cached_tokens":1}}}],"usage":null}',
        b'{"choices":[{"usage":{"prompt_tokens_details":{"cached_tokens":1}}}],"usage":null}',
    ),
    "without usage": (b'{"id":"\\"usage\\":{"}', b'{"id":"\\"usage\\":{"}'),
}
CREATED = [
    b'{"usage":{"prompt_tokens":80,"prompt_tokens_details":null}}',
    b'{"usage":{"prompt_tokens":80}}',
    b'{"usage":{}}',
]


@pytest.mark.parametrize("before,after", DOCUMENTS.values(), ids=DOCUMENTS.keys())
@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
def test_in_one_object(sidecar, decoder, prefiller, path, before, after):
    decoder.script = answers(response(body=before))
    answer = routed(sidecar, prefiller, b"{}", path)
    assert answer.body == after and answer.complete


@pytest.mark.parametrize("before", CREATED)
def test_created_where_it_was_missing(sidecar, decoder, prefiller, before):
    decoder.script = answers(response(body=before))
    usage = routed(sidecar, prefiller).json()["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 7}
    assert b"80" not in before or usage["prompt_tokens"] == 80


@pytest.mark.parametrize("cached", [None, 0, 123456])
def test_the_number_is_the_prefillers(sidecar, decoder, prefiller, cached):
    prefiller.script = prefills(cached=cached)
    decoder.script = answers(response(body=DOCUMENTS["replaced"][0]))
    assert routed(sidecar, prefiller).json()["usage"]["prompt_tokens_details"]["cached_tokens"] == (cached or 0)


LINES = [b'data: {"choices":[{"delta":{"content":"\xc3\xa9"}}],"usage":null}\n\n',
         b': a comment with "usage":{}\n\n', b"data: " + DOCUMENTS["others kept"][0] + b"\n\n", DONE]
REWRITTEN = b"".join(LINES).replace(b'"cached_tokens" : 80', b'"cached_tokens" : 7')


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
def test_in_a_stream_however_it_is_cut(sidecar, decoder, prefiller, size):
    whole = b"".join(LINES)
    decoder.script = answers(chunked_response([whole[i : i + size] for i in range(0, len(whole), size)]))
    answer = routed(sidecar, prefiller, STREAMED)
    assert answer.body == REWRITTEN and answer.complete


def test_in_an_object_that_comes_in_pieces(sidecar, decoder, prefiller):
    body = b'{"text":"' + b"y" * 200_000 + b'",' + DOCUMENTS["others kept"][0][1:]

    def script(connection, request):
        connection.send(head("HTTP/1.1 200 OK", [("content-type", "application/json"), ("content-length", len(body))]))
        for index in range(0, len(body), 50_000):
            connection.send(body[index : index + 50_000])

    decoder.script = script
    assert routed(sidecar, prefiller).json()["usage"]["prompt_tokens_details"]["cached_tokens"] == 7


def test_a_compressed_answer_is_left_alone(sidecar, decoder, prefiller):
    body = gzip.compress(DOCUMENTS["replaced"][0])
    decoder.script = answers(response(body=body, headers=[("content-encoding", "gzip")]))
    assert routed(sidecar, prefiller).body == body


def test_without_a_prefiller_nothing_is_rewritten(sidecar, decoder):
    decoder.script = answers(response(body=DOCUMENTS["replaced"][0]))
    assert ask(sidecar.port, "POST", CHAT, body=b"{}").body == DOCUMENTS["replaced"][0]


def test_the_flag_turns_it_off(launch, prefiller):
    sidecar = launch(rewrite_cached_tokens=False)
    sidecar.decoder.script = answers(response(body=DOCUMENTS["replaced"][0]))
    answer = routed(sidecar, prefiller)
    assert answer.body == DOCUMENTS["replaced"][0] and answer.one("content-length") == str(len(answer.body))
