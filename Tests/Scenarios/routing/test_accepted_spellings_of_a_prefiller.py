"""The closed grammar of the routing header, its accepted half."""

import pytest

from harness import CHAT, PROMPT, ROUTE, Engine, ask, prefills

SPELLINGS = [
    "127.0.0.1:{port}",
    "  127.0.0.1:{port}  ",
    "http://127.0.0.1:{port}",
    "localhost:{port}",
    "http://localhost:{port}",
    "127.0.0.1:{port},127.0.0.1:1",
    "127.0.0.1:{port} , 127.0.0.1:1",
    "127.0.0.1:{port},127.0.0.1:{port}",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_ipv4(sidecar, prefiller, spelling):
    answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, spelling.format(port=prefiller.port))], PROMPT)
    assert answer.status == 200, answer.body
    assert len(prefiller.requests) == 1


@pytest.mark.parametrize(
    "spelling", ["[::1]:{port}", "http://[::1]:{port}", "[0:0:0:0:0:0:0:1]:{port}", "localhost:{port}"]
)
def test_ipv6(sidecar, spelling):
    prefiller = Engine(prefills(), host="::1")
    try:
        answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, spelling.format(port=prefiller.port))], PROMPT)
        assert answer.status == 200, answer.body
        assert len(prefiller.requests) == 1
    finally:
        prefiller.close()


def test_several_lines_are_candidates_and_the_first_is_used(sidecar, prefiller):
    second = Engine(prefills())
    try:
        lines = [(ROUTE, prefiller.address), (ROUTE, second.address)]
        assert ask(sidecar.port, "POST", CHAT, lines, PROMPT).status == 200
        assert len(prefiller.requests) == 1 and second.requests == []
    finally:
        second.close()


def test_an_empty_first_candidate_never_reaches_the_second(sidecar, prefiller):
    answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, f",{prefiller.address}")], PROMPT)
    assert answer.status in (200, 400) and prefiller.requests == []
