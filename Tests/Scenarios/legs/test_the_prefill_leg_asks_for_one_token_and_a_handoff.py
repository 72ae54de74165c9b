"""The body of the prefill leg: one token, no stream, the six members last, everything else as the client wrote it."""

import pytest

from harness import CHAT, COMPLETIONS, PREFILL_MEMBERS, routed

LIMITS = ("max_tokens", "max_completion_tokens", "min_tokens")


def sent(sidecar, prefiller, body, target=CHAT):
    assert routed(sidecar, prefiller, body, target).status == 200
    seen = prefiller.the_request()
    names = [name for name, _ in seen.members]
    assert len(names) == len(set(names)), names
    assert names[-1] == "kv_transfer_params"
    document = seen.json()
    assert document["kv_transfer_params"] == PREFILL_MEMBERS
    assert document["stream"] is False and "stream_options" not in document
    assert [document[name] for name in LIMITS] == [1, 1, 1]
    return seen


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"prompt":"p"}',
        b'{"stream":true,"prompt":"p"}',
        b'{"prompt":"p","stream":false}',
        b'{"stream":null}',
        b'{"stream":true,"stream_options":{"include_usage":true}}',
        b'{"stream_options":{"include_usage":true},"stream":true,"prompt":"p"}',
        b'{"max_tokens":100,"max_completion_tokens":7,"min_tokens":5}',
        b'{"max_tokens":null,"prompt":"p"}',
        b'{"min_tokens":5,"prompt":"p","max_tokens":"many"}',
        b'{"\\u006dax_tokens":100,"str\\u0065am":true,"stream\\u005foptions":{}}',
        b'{"kv_transfer_params":{"do_remote_prefill":true},"prompt":"p"}',
        b' \r\n{ "prompt" : "p" , "stream" : true } \n',
    ],
)
def test_it_does(sidecar, prefiller, path, body):
    sent(sidecar, prefiller, body, path)


def test_everything_else_stays_byte_for_byte(sidecar, prefiller):
    first = b'"zeta" : 1.50e+2 ,  "seed":9007199254740993'
    second = b'"text":"\\u00e9\\/ <&> \xe2\x80\xa8 \\ud83d", "nested":{"stream":true,"max_tokens":[ ],"b":1,"a":2}'
    body = b"{" + first + b',"stream":true,' + second + b',"stream_options":{"include_usage":true}}'
    seen = sent(sidecar, prefiller, body)
    assert first in seen.body and second in seen.body
    assert seen.body.index(first) < seen.body.index(second)
