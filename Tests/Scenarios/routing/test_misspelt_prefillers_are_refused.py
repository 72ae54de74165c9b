"""What is not exactly an address and a port is 400: nothing is dialled, nothing is looked up, no engine is asked."""

import pytest

from harness import CHAT, PROMPT, ROUTE, ask_raw, assert_error, request

MISSPELT = [
    "127.0.0.1",
    "127.0.0.1:",
    ":{port}",
    "{port}",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "127.0.0.1:99999999999999999999",
    "127.0.0.1:+{port}",
    "127.0.0.1:-{port}",
    "127.0.0.1:0{port}",
    "127.0.0.1:0x50",
    "127.0.0.1: {port}",
    "127.0.0.1 :{port}",
    "127.0.0.1:{port}/",
    "127.0.0.1:{port}/v1",
    "127.0.0.1:{port}?x=1",
    "127.0.0.1:{port}#x",
    "127.0.0.1:{port}:1",
    "127.0.0.1:{port}@127.0.0.1:1",
    "user@127.0.0.1:{port}",
    "user:x@127.0.0.1:{port}",
    "http://user:x@127.0.0.1:{port}",
    "http://127.0.0.1:{port}/v1",
    "http://",
    "http://http://127.0.0.1:{port}",
    "https://127.0.0.1:{port}",
    "ftp://127.0.0.1:{port}",
    "//127.0.0.1:{port}",
    "http:/127.0.0.1:{port}",
    "127.0.0.1.:{port}",
    "localhost.:{port}",
    "127.1:{port}",
    "127.0.1:{port}",
    "2130706433:{port}",
    "0x7f000001:{port}",
    "0x7f.0.0.1:{port}",
    "0177.0.0.1:{port}",
    "127.0.0.01:{port}",
    "127.0.0.256:{port}",
    "127.0.0.0.1:{port}",
    "::1:{port}",
    "[::1:{port}",
    "::1]:{port}",
    "[::1]{port}",
    "[::1]",
    "[127.0.0.1]:{port}",
    "[::1%lo]:{port}",
    "[::1%251]:{port}",
    "[fe80::1%eth0]:{port}",
    "[::1::]:{port}",
    "[1:2:3:4:5:6:7:8:9]:{port}",
    "[00000::1]:{port}",
    "[]:{port}",
    "prefill.example:{port}",
    "vllm-prefill-0:{port}",
    "127。0。0。1:{port}",
    "１２７.0.0.1:{port}",
    "%31%32%37.0.0.1:{port}",
    "127.0.0.1%00:{port}",
    "*:{port}",
    '"127.0.0.1:{port}"',
    "127.0.0.1;{port}",
    "a" * 5000,
]


@pytest.mark.parametrize("value", MISSPELT, ids=lambda value: ascii(value)[:40])
def test_it_is_refused(sidecar, decoder, prefiller, value):
    written = value.format(port=prefiller.port).encode().decode("latin-1")
    raw = request("POST", CHAT, [(ROUTE, written), ("Connection", "close")], PROMPT)
    answer, rest = ask_raw(sidecar.port, raw)
    assert_error(answer, 400)
    assert rest == b""
    assert decoder.requests == [] and prefiller.requests == [] and prefiller.connection_count == 0


@pytest.mark.parametrize("byte", [b"\0", b"\r", b"\n", b"\x01", b"\x7f", b"\x0b"])
def test_control_characters_are_refused(sidecar, decoder, prefiller, byte):
    raw = request("POST", CHAT, [(ROUTE, "MARK"), ("Connection", "close")], PROMPT)
    answer, _ = ask_raw(sidecar.port, raw.replace(b"MARK", prefiller.address.encode() + byte + b"x"))
    assert_error(answer, 400)
    assert decoder.requests == [] and prefiller.connection_count == 0
