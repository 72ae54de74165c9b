"""Addresses that no setting opens are 403 in every spelling: nothing is dialled and the decoder is not asked either.

Only addresses that are always refused stand here, and they are dialled by nobody.
"""

import pytest

from harness import CHAT, PROMPT, ROUTE, ask, assert_error

FORBIDDEN = [
    "0.0.0.0:80",
    "0.1.2.3:80",
    "169.254.169.254:80",
    "http://169.254.169.254:80",
    "169.254.0.1:8000",
    "100.100.100.200:80",
    "168.63.129.16:80",
    "224.0.0.1:80",
    "239.255.255.250:80",
    "255.255.255.255:80",
    "[::]:80",
    "[::0.0.0.0]:80",
    "[fe80::1]:80",
    "[febf::1]:80",
    "[ff02::1]:80",
    "[ff05::2]:80",
    "[fd00:ec2::254]:80",
    "[FD00:0EC2:0:0:0:0:0:0254]:80",
    "[::ffff:0.0.0.0]:80",
    "[::ffff:169.254.169.254]:80",
    "[::ffff:a9fe:a9fe]:80",
    "[0:0:0:0:0:FFFF:A9FE:A9FE]:80",
    "[::ffff:224.0.0.1]:80",
    "[::ffff:255.255.255.255]:80",
    "[64:ff9b::169.254.169.254]:80",
    "[64:ff9b::a9fe:a9fe]:80",
    "[2002:a9fe:a9fe::1]:80",
]


@pytest.mark.parametrize("value", FORBIDDEN)
def test_it_is_refused(sidecar, decoder, value):
    assert_error(ask(sidecar.port, "POST", CHAT, [(ROUTE, value)], PROMPT), 403)
    assert decoder.requests == []


def test_it_is_passed_over_where_another_candidate_may_be_dialled(sidecar, decoder, prefiller):
    answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, f"0.0.0.0:80,{prefiller.address}")], PROMPT)
    assert answer.status == 200 and prefiller.connection_count == 1
    lines = [(ROUTE, "169.254.169.254:80"), (ROUTE, prefiller.address)]
    assert ask(sidecar.port, "POST", CHAT, lines, PROMPT).status == 200


def test_several_of_them_are_refused(sidecar, decoder):
    assert_error(ask(sidecar.port, "POST", CHAT, [(ROUTE, "0.0.0.0:80,169.254.169.254:80")], PROMPT), 403)
    assert decoder.requests == []


def test_its_own_admin_port(sidecar, decoder):
    for host in ("127.0.0.1", "localhost"):
        assert_error(ask(sidecar.port, "POST", CHAT, [(ROUTE, f"{host}:{sidecar.admin_port}")], PROMPT), 403)
    assert decoder.requests == []


def test_on_other_paths_the_value_is_never_looked_at(sidecar, decoder):
    assert ask(sidecar.port, "POST", "/v1/embeddings", [(ROUTE, "169.254.169.254:80")], PROMPT).status == 200
    assert decoder.the_request().one(ROUTE) is None
