"""Route by door: whatever path a body takes and however its protocol members are hidden, none of them reaches an
engine. A real vLLM decoder exits on malformed ones."""

import pytest

from harness import (
    HANDOFF, HOSTILE_MEMBERS, PREFILL_MEMBERS, ROUTE, Client, as_json, ask, assert_error, assert_nothing_hostile, json,
    request,
)

ROUTES = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/messages",
    "/v1/responses",
    "/inference/v1/generate",
    "/invocations",
    "/tokenize",
    "/unknown",
]
DISAGGREGATED = ROUTES[:2]
PLAIN = {"model": "tiny", "prompt": "p"}
TOP = as_json(PLAIN | HOSTILE_MEMBERS)


def escaped(name):
    """The same member name, every letter as an escape."""
    return "".join(f"\\u{ord(letter):04x}" for letter in name)


ESCAPED = "{%s}" % ",".join(f'"{escaped(name)}":{json.dumps(value)}' for name, value in HOSTILE_MEMBERS.items())
FIRST, SECOND = dict(list(HOSTILE_MEMBERS.items())[:5]), dict(list(HOSTILE_MEMBERS.items())[5:])
NESTED = {
    "vllm_xargs": {"kept": 1} | FIRST,
    "sampling_params": {"n": 1, "extra_args": {"kept": 2} | FIRST} | SECOND,
}

DOORS = {
    "plain body": ([], TOP),
    "escaped names": ([], ESCAPED.encode()),
    "nested in extra arguments": ([], as_json(PLAIN | NESTED)),
    "nested under escaped names": ([], as_json(PLAIN | NESTED).replace(b'"vllm_xargs"', b'"vllm\\u005fxargs"')),
    "in a batch": ([], as_json([PLAIN | FIRST, PLAIN | NESTED])),
    "text content type": ([("Content-Type", "text/plain")], TOP),
    "binary content type": ([("Content-Type", "application/octet-stream")], TOP),
    "JSON in disguise": ([("Content-Type", "application/JSON ; charset=utf-8")], TOP),
    "an empty content type": ([("Content-Type", "")], TOP),
    "after white space": ([], b" \r\n\t " * 50 + TOP),
}


def check(sidecar, prefiller, path, with_header):
    """Every engine that was asked saw nothing but what the sidecar itself wrote."""
    disaggregated = with_header and path in DISAGGREGATED
    if disaggregated:
        assert_nothing_hostile(prefiller.the_request(), PREFILL_MEMBERS)
        assert_nothing_hostile(sidecar.decoder.the_request(), json.loads(HANDOFF))
    else:
        assert prefiller.requests == []
        assert_nothing_hostile(sidecar.decoder.the_request())


@pytest.mark.parametrize("with_header", [True, False], ids=["routed", "plain"])
@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("door", DOORS)
def test_nothing_arrives(sidecar, prefiller, path, door, with_header):
    headers, body = DOORS[door]
    route = [(ROUTE, prefiller.address)] if with_header else []
    answer = ask(sidecar.port, "POST", path, headers + route, body)
    if body.startswith(b"[") and with_header and path in DISAGGREGATED:
        assert_error(answer, 400)  # a prefill needs an object
        assert prefiller.requests == [] and sidecar.decoder.requests == []
        return
    assert answer.status == 200, answer.body
    check(sidecar, prefiller, path, with_header)


@pytest.mark.parametrize("with_header", [True, False], ids=["routed", "plain"])
@pytest.mark.parametrize("path", ROUTES)
def test_nothing_arrives_in_chunks(sidecar, prefiller, path, with_header):
    route = [(ROUTE, prefiller.address)] if with_header else []
    with Client(sidecar.port) as client:
        client.send(request("POST", path, [("Transfer-Encoding", "chunked"), *route], b""))
        for index in range(0, len(TOP), 7):
            piece = TOP[index : index + 7]
            client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        client.send(b"0\r\n\r\n")
        assert client.response().status == 200
    check(sidecar, prefiller, path, with_header)


@pytest.mark.parametrize("with_header", [True, False], ids=["routed", "plain"])
@pytest.mark.parametrize("path", ROUTES)
def test_very_many_are_removed_or_refused(sidecar, prefiller, path, with_header):
    names = {f"remote_{number}": number for number in range(300)}
    body = as_json(PLAIN | names | {"vllm_xargs": names, "sampling_params": {"extra_args": names}})
    answer = ask(sidecar.port, "POST", path, [(ROUTE, prefiller.address)] if with_header else [], body)
    if answer.status == 200:
        check(sidecar, prefiller, path, with_header)
    else:
        assert_error(answer, 400)
        assert prefiller.requests == [] and sidecar.decoder.requests == []


@pytest.mark.parametrize("with_header", [True, False], ids=["routed", "plain"])
@pytest.mark.parametrize("path", ROUTES)
def test_an_encoded_path_is_no_way_around(sidecar, prefiller, path, with_header):
    route = [(ROUTE, prefiller.address)] if with_header else []
    letter = path[1]
    for target in (f"/%{ord(letter):02x}{path[2:]}", path.replace("/", "%2f"), "/" + path, path[:1] + "./" + path[1:]):
        if target == path:
            continue
        assert_error(ask(sidecar.port, "POST", target, route, TOP), 400)
    assert sidecar.decoder.requests == [] and prefiller.requests == []
