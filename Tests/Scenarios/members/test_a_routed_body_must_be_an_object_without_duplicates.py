"""A prefill leg edits top-level members, so the body must be an object and each edited member must stand there once."""

import pytest

from harness import ask, assert_error, routed

NO_OBJECTS = [b"", b"null", b"[]", b"[{}]", b"1", b'"text"', b"true", b"   "]
TWICE = [b"stream", b"stream_options", b"max_tokens", b"max_completion_tokens", b"min_tokens"]


@pytest.mark.parametrize("body", NO_OBJECTS)
def test_no_object(sidecar, decoder, prefiller, body):
    assert_error(routed(sidecar, prefiller, body), 400)
    assert decoder.requests == [] and prefiller.requests == []


@pytest.mark.parametrize("name", TWICE)
def test_a_member_twice(sidecar, decoder, prefiller, name):
    body = b'{"%s":1,"prompt":"p","%s":2}' % (name, name)
    assert name.decode() in assert_error(routed(sidecar, prefiller, body), 400)
    escaped = b'{"%s":1,"prompt":"p","\\u%04x%s":2}' % (name, name[0], name[1:])
    assert_error(routed(sidecar, prefiller, escaped), 400)
    assert decoder.requests == [] and prefiller.requests == []


def test_other_members_twice_are_the_clients_business(sidecar, decoder, prefiller):
    body = b'{"user":"a","user":"b"}'
    assert routed(sidecar, prefiller, body).status == 200
    assert ask(sidecar.port, "POST", "/v1/x", body=body).status == 200
