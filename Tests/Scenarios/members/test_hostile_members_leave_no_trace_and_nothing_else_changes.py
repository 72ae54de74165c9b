"""Removing members takes exactly them: every other byte stays as the client wrote it, in every position."""

import pytest

from harness import CHAT, ask, as_json

CASES = {
    "first": (b'{"remote_host":1 , "a" : 1.0}', b'"a" : 1.0'),
    "middle": (b'{ "a":1,"kv_transfer_params":{"x":[1,{"y":"}"}]},"b":2}', b'"b":2'),
    "last": (b'{"a":1, "bootstrap_room" : 3 }', b'"a":1'),
    "only": (b'{"ec_transfer_params":{}}', None),
    "all of several": (b'{"remote_a":1,"remote_b":"]","do_remote_x":{}}', None),
    "two in a row": (b'{"a":1,"remote_a":1,"remote_b":2,"b":"\\u00e9"}', b'"b":"\\u00e9"'),
    "between spaces": (b'{ "a" : 1 , "remote_a" : 1 , "b" : 2 }', b'"b" : 2'),
}


@pytest.mark.parametrize("body,kept", CASES.values(), ids=CASES.keys())
def test_the_rest_stays(sidecar, decoder, body, kept):
    assert ask(sidecar.port, "POST", CHAT, body=body).status == 200
    seen = decoder.the_request()
    assert not [name for name, _ in seen.members if name not in ("a", "b")], seen.body
    assert kept is None or kept in seen.body
    if b'"a"' in body:
        assert seen.json()["a"] == 1


NOT_HOSTILE = [
    {"messages": [{"role": "user", "content": {"kv_transfer_params": 1, "remote_host": "x"}}]},
    {"tools": [{"function": {"parameters": {"properties": {"remote_host": {"type": "string"}}}}}]},
    {"remotehost": 1, "xremote_host": 2, "Remote_host": 3, "do_remotes": 4, "bootstrap": 5, "kv_transfer_params2": 6},
    {"metadata": {"bootstrap_room": "a"}},
    {"prompt": '"kv_transfer_params":{"do_remote_prefill":true}'},
]


@pytest.mark.parametrize("document", NOT_HOSTILE)
def test_the_same_names_elsewhere_are_the_clients_own(sidecar, decoder, document):
    body = as_json(document)
    assert ask(sidecar.port, "POST", CHAT, body=body).status == 200
    assert decoder.the_request().body == body
