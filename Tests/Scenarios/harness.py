"""Everything a scenario needs, in one import, and the sentences most scenarios share."""

import json
import threading

from support.behaviours import (
    CHAT,
    COMPLETIONS,
    DONE,
    HANDOFF,
    PREFILL_MEMBERS,
    STREAMED,
    Stepwise,
    answers,
    answers_and_closes,
    decodes,
    prefill_answer,
    prefills,
    sse_event,
)
from support.client import Client, Closed, ask, ask_raw, assert_error, assert_refused_and_closed
from support.engine import Engine, free_port, wait_for
from support.sidecar import BUILD, EXECUTABLE, Sidecar, as_arguments, is_alive, open_descriptors, resident, run
from support.wire import chunked_response, encode_chunk, head, request, response

ROUTE = "x-prefiller-host-port"
PROMPT = b'{"model":"tiny","messages":[{"role":"user","content":"Say something."}]}'
STREAM_ONLY = {"stream": True, "messages": []}

# One member of each family that only a sidecar may write (DESIGN.md, "Every door").
HOSTILE_MEMBERS = {
    "kv_transfer_params": {"do_remote_prefill": True, "remote_host": "127.0.0.1", "remote_port": 1},
    "ec_transfer_params": {"peer": "127.0.0.1"},
    "do_remote_prefill": True,
    "do_remote_decode": True,
    "remote_host": "127.0.0.1",
    "remote_port": 1,
    "remote_block_ids": [1, 2, 3],
    "remote_engine_id": "forged",
    "bootstrap_host": "127.0.0.1",
    "bootstrap_room": 1,
}


def routed(sidecar, prefiller, body=PROMPT, target=CHAT, headers=()):
    """One prefill/decode request through the sidecar."""
    return ask(sidecar.port, "POST", target, [(ROUTE, prefiller.address), *headers], body)


def assert_works(sidecar, prefiller=None):
    """The sidecar still serves: plain, and with a prefiller when one is given."""
    answer = ask(sidecar.port, target="/still-works")
    assert answer.status == 200 and answer.json()["served"] == "/still-works", answer.body
    if prefiller:
        assert routed(sidecar, prefiller).status == 200


def open_stream(sidecar, prefiller=None, body=STREAMED, target=CHAT):
    """Sends a streaming request and returns its client, before anything of the answer was read."""
    client = Client(sidecar.port)
    client.send(request("POST", target, [(ROUTE, prefiller.address)] if prefiller else [], body))
    return client


def names_in(document):
    """Every member name anywhere in a JSON document."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield name
            yield from names_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from names_in(value)


def is_hostile(name):
    return name in ("kv_transfer_params", "ec_transfer_params") or name.startswith(
        ("do_remote_", "remote_", "bootstrap_")
    )


def assert_nothing_hostile(request, own=None):
    """No protocol member of a client is left in the body; `own` is the value the sidecar itself has put there."""
    document = request.json()
    if own is not None:
        assert document.pop("kv_transfer_params") == own
    assert not [name for name in names_in(document) if is_hostile(name)], request.body


def in_background(work):
    """Runs work in a thread; call the result to wait for it and to get its value or its exception."""
    outcome = []

    def body():
        try:
            outcome.append((True, work()))
        except BaseException as failure:  # handed to the waiting thread
            outcome.append((False, failure))

    thread = threading.Thread(target=body, daemon=True)
    thread.start()

    def result(timeout=30):
        thread.join(timeout)
        assert outcome, "still running"
        succeeded, value = outcome[0]
        if not succeeded:
            raise value
        return value

    return result


def as_json(document):
    return json.dumps(document).encode()


__all__ = [name for name in dir() if not name.startswith("_")]
