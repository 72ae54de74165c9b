"""A prefiller hands over the blocks of one prompt; several in one request go to the decoder alone, as they are."""

import pytest

from harness import COMPLETIONS, HANDOFF, routed

SEVERAL = [b'["a","b"]', b"[[1],[2,3]]", b'[ "a" , [1] ]']
ONE = [b'"a"', b'["a"]', b"[1,2,3]", b"[[1,2,3]]"]


@pytest.mark.parametrize("prompt", SEVERAL)
@pytest.mark.parametrize("name", [b"prompt", b"\\u0070rompt"])
def test_several(sidecar, decoder, prefiller, prompt, name):
    body = b'{"%s":%s,"remote_host":"x"}' % (name, prompt)
    assert routed(sidecar, prefiller, body, COMPLETIONS).status == 200
    assert prefiller.requests == []
    assert decoder.the_request().body == b'{"%s":%s}' % (name, prompt)


@pytest.mark.parametrize("prompt", ONE)
def test_one(sidecar, decoder, prefiller, prompt):
    assert routed(sidecar, prefiller, b'{"prompt":%s}' % prompt, COMPLETIONS).status == 200
    assert len(prefiller.requests) == 1
    assert HANDOFF in decoder.the_request().body
