"""Ready-made engine behaviours: what a vLLM prefiller and decoder answer, on the wire."""

import json
import queue
import select
import threading
import time

from .wire import chunked_response, encode_chunk, head, response

# As vLLM 0.32 writes it (nested block ids), with the spacing, escapes, number spelling and an unknown member that a
# sidecar which re-serialises would lose.
HANDOFF = (
    b'{"do_remote_prefill": true, "do_remote_decode":false,"remote_block_ids":[[1,2], [3]],'
    b'"remote_engine_id":"96d1de87-dc1e-465f-8f71-13f840a0eb95","remote_request_id":"chatcmpl-req-445269b5-a288d1fb",'
    b'"remote_host":"127.0.0.1","remote_port":18602,"tp_size":1,"remote_num_tokens":230,'
    b'"transfer_mode":"pu\\u006cl","later_member":{"x":[1.50e2,null]}}'
)

PREFILL_MEMBERS = {
    "do_remote_decode": True,
    "do_remote_prefill": False,
    "remote_engine_id": None,
    "remote_block_ids": None,
    "remote_host": None,
    "remote_port": None,
}

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
DONE = b"data: [DONE]\n\n"
STREAMED = b'{"model":"tiny","stream":true,"messages":[{"role":"user","content":"Say something."}]}'


def prefill_answer(handoff=HANDOFF, cached=7):
    """The body of a prefiller's answer; handoff None leaves the member out."""
    details = b"null" if cached is None else b'{"cached_tokens": %d}' % cached
    body = (
        b'{"id":"chatcmpl-1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",'
        b'"content":" tho"},"finish_reason":"length"}],"usage":{"prompt_tokens":230,"total_tokens":231,'
        b'"completion_tokens":1,"prompt_tokens_details":' + details + b'}'
    )
    return body + (b'}' if handoff is None else b',"kv_transfer_params":' + handoff + b',"metrics":null}')


def prefills(handoff=HANDOFF, cached=7):
    """A prefiller that answers every request with this handoff."""
    return answers(response(body=prefill_answer(handoff, cached)))


def answers(raw):
    """Sends these bytes for each request and keeps the connection open."""
    return lambda connection, request: raw


def answers_and_closes(raw):
    def script(connection, request):
        connection.send(raw)
        connection.close()

    return script


def sse_event(text):
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}], "usage": None}).encode() + b"\n\n"


def decodes(connection, request):
    """The default decoder: echoes what it was asked, as one object or as a stream, as the request wants."""
    try:
        wants_stream = bool(request.body) and request.json().get("stream") is True
    except (ValueError, AttributeError):
        wants_stream = False
    if wants_stream:
        return chunked_response([sse_event("one"), sse_event("two"), sse_event("three"), DONE])
    served = {"served": request.target, "usage": {"prompt_tokens": 230, "completion_tokens": 3}}
    return response(body=b"" if request.method == "HEAD" else served)


class Stepwise:
    """A decoder that streams one event at a time, when the scenario says so.

    The scenario calls `step()` for each event and `finish()` for the end; `gone` is set when the sidecar hangs up.
    """

    def __init__(self, patience=20):
        self.queue = queue.Queue()
        self.started = threading.Event()
        self.gone = threading.Event()
        self.patience = patience

    def __call__(self, connection, request):
        headers = [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]
        connection.send(head("HTTP/1.1 200 OK", headers))
        self.started.set()
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            try:
                item = self.queue.get(timeout=0.02)
            except queue.Empty:
                if select.select([connection.sock], [], [], 0)[0]:
                    self.gone.set()
                    connection.close()
                    return
                continue
            if item is None:
                connection.send(encode_chunk(DONE) + b"0\r\n\r\n")
                return
            connection.send(encode_chunk(item))
        connection.close()

    def step(self, text):
        self.queue.put(sse_event(text))

    def finish(self):
        self.queue.put(None)
