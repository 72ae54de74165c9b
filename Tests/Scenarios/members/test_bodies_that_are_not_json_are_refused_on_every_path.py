"""What an engine might read as JSON in its own way is refused: broken JSON, other encodings, duplicates that two
parsers resolve differently."""

import pytest

from harness import CHAT, PROMPT, ask, assert_error, routed

BROKEN = {
    "cut short": b'{"a":1',
    "trailing comma": b'{"a":1,}',
    "trailing bytes": b'{"a":1}x',
    "two values": b'{"a":1}{"b":2}',
    "NUL after the end": b'{"a":1}\0',
    "a comment": b'{"a":1/*x*/}',
    "single quotes": b"{'a':1}",
    "a bare name": b"{a:1}",
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "a leading zero": b'{"a":01}',
    "a plus sign": b'{"a":+1}',
    "a lone minus": b'{"a":-}',
    "a fraction without digits": b'{"a":1.}',
    "an exponent without digits": b'{"a":1e}',
    "a control character in a string": b'{"a":"\x01"}',
    "a line feed in a string": b'{"a":"x\ny"}',
    "an unknown escape": b'{"a":"\\x41"}',
    "a short escape": b'{"a":"\\u12"}',
    "invalid UTF-8": b'{"a":"\xff"}',
    "overlong UTF-8": b'{"a":"\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "beyond the last code point": b'{"a":"\xf4\x90\x80\x80"}',
    "UTF-8 cut short": b'{"a":"\xe2\x82"}',
    "a missing comma": b'{"a":1 "b":2}',
    "a missing colon": b'{"a" 1}',
    "the wrong bracket": b'{"a":[1}',
    "a bracket too many": b'{"a":1}}',
    "a number as a name": b'{1:2}',
    "a misspelt literal": b'{"a":tru}',
    "a hundred thousand brackets": b"[" * 100_000,
    "a hundred thousand balanced brackets": b"[" * 100_000 + b"]" * 100_000,
    "a hundred thousand objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}
ENCODED = {
    "UTF-8 with a mark": b"\xef\xbb\xbf" + PROMPT,
    "UTF-16": PROMPT.decode().encode("utf-16"),
    "UTF-16 little endian": PROMPT.decode().encode("utf-16-le"),
    "UTF-16 big endian": PROMPT.decode().encode("utf-16-be"),
    "UTF-32": PROMPT.decode().encode("utf-32"),
    "UTF-32 little endian": PROMPT.decode().encode("utf-32-le"),
    "UTF-32 big endian": PROMPT.decode().encode("utf-32-be"),
}
DUPLICATES = {
    "kv_transfer_params": b'{"kv_transfer_params":1,"kv_transfer_params":2}',
    "one of them escaped": b'{"remote_host":1,"remote\\u005fhost":2}',
    "vllm_xargs": b'{"vllm_xargs":{},"vllm_xargs":{"kv_transfer_params":{}}}',
    "sampling_params": b'{"sampling_params":{},"sampling_params":{"extra_args":{"remote_host":1}}}',
    "extra_args": b'{"sampling_params":{"extra_args":{},"extra_args":{"remote_host":1}}}',
}
ALL = BROKEN | ENCODED | DUPLICATES


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
@pytest.mark.parametrize("body", ALL.values(), ids=ALL.keys())
def test_it_is_refused(sidecar, decoder, prefiller, body, content_type):
    headers = [("Content-Type", content_type)]
    for path in (CHAT, "/v1/messages", "/invocations"):
        assert_error(ask(sidecar.port, "POST", path, headers, body), 400)
    assert_error(routed(sidecar, prefiller, body, headers=headers), 400)
    assert decoder.requests == [] and prefiller.requests == []
