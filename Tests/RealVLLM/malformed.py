"""Protocol members of a client that stop a real vLLM when they reach it, through every door."""

import json

from pair import CHAT, COMPLETIONS, Client, head, text_and_usage
from support.wire import encode_chunk

# What each of these does to a server that gets it is told in the reference of the real engines: it exits or hangs.
PARAMETERS = {
    "no block ids": {"do_remote_prefill": True},
    "an empty group": {
        "do_remote_prefill": True, "remote_block_ids": [[]], "remote_engine_id": "x", "remote_request_id": "x",
        "remote_host": "127.0.0.1", "remote_port": 1},
    "flat block ids": {
        "do_remote_prefill": True, "remote_block_ids": [1, 2, 3], "remote_engine_id": "x", "remote_request_id": "x",
        "remote_host": "127.0.0.1", "remote_port": 1},
    "no host": {
        "do_remote_prefill": True, "remote_block_ids": [[1]], "remote_engine_id": "x", "remote_request_id": "x",
        "remote_port": 1},
    "no engine": {
        "do_remote_prefill": True, "remote_block_ids": [[1]], "remote_request_id": "x", "remote_host": "127.0.0.1",
        "remote_port": 1},
    "block ids out of range": {
        "do_remote_prefill": True, "remote_block_ids": [[999_999_999]], "remote_engine_id": "x",
        "remote_request_id": "x", "remote_host": "127.0.0.1", "remote_port": 1},
    "a string": "x",
    "a list": [1],
}

MESSAGES = [{"role": "user", "content": "Say something."}]
ROUTES = {
    CHAT: {"messages": MESSAGES, "max_tokens": 4, "temperature": 0},
    COMPLETIONS: {"prompt": "Say something.", "max_tokens": 4, "temperature": 0},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 4},
    "/v1/responses": {"input": "Say something.", "max_output_tokens": 4},
    "/inference/v1/generate": {"token_ids": [1, 2, 3], "sampling_params": {"max_tokens": 4}},
    "/tokenize": {"prompt": "Say something."},
    "/v1/chat/completions/render": {"messages": MESSAGES, "max_tokens": 4},
    "/invocations": {"messages": MESSAGES, "max_tokens": 4},
}


def at_top(document, value):
    return json.dumps(document | {"kv_transfer_params": value})


def first(document, value):
    return json.dumps({"kv_transfer_params": value} | document)


def in_xargs(document, value):
    return json.dumps(document | {"vllm_xargs": {"kv_transfer_params": value}})


def in_sampling(document, value):
    sampling = dict(document.get("sampling_params", {}))
    return json.dumps(document | {"sampling_params": sampling | {"extra_args": {"kv_transfer_params": value}}})


def escaped(document, value):
    return at_top(document, value).replace('"kv_transfer_params"', '"\\u006bv_transfer_\\u0070arams"')


def escaped_in_xargs(document, value):
    text = in_xargs(document, value).replace('"vllm_xargs"', '"vllm\\u005fxargs"')
    return text.replace('"kv_transfer_params"', '"kv\\u005ftransfer_params"')


def spread_out(document, value):
    return json.dumps(document | (value if isinstance(value, dict) else {"do_remote_prefill": value}))


def twice(document, value):
    return at_top(document, value)[:-1] + ',"kv_transfer_params":' + json.dumps(value) + "}"


BODIES = [at_top, first, in_xargs, in_sampling, escaped, escaped_in_xargs, spread_out, twice]


def requests(model, prefiller):
    """(name, bytes) of every door: route × place in the body × parameters, with and without the routing header; the
    ways to write a body once for each route and place."""
    for target, document in ROUTES.items():
        document = {"model": model} | document
        for place in BODIES:
            for name, value in PARAMETERS.items():
                body = place(document, value).encode()
                routed = [("x-prefiller-host-port", prefiller)]
                for headers in ([], routed):
                    yield f"{target} {place.__name__} {name} header={bool(headers)}", message(target, headers, body)
            body = place(document, PARAMETERS["no block ids"]).encode()
            for how, raw in ways_to_write(target, body):
                yield f"{target} {place.__name__} {how}", raw


def message(target, headers, body, content_type="application/json"):
    fields = [("host", "sidecar"), ("content-type", content_type), ("content-length", len(body))]
    return head(f"POST {target} HTTP/1.1", fields + list(headers)) + body


def ways_to_write(target, body):
    yield "chunked", head(f"POST {target} HTTP/1.1", [
        ("host", "sidecar"), ("content-type", "application/json"), ("transfer-encoding", "chunked"),
    ]) + b"".join(encode_chunk(body[at:at + 7]) for at in range(0, len(body), 7)) + b"0\r\n\r\n"
    yield "as text", message(target, [], body, "text/plain")
    yield "without a type", head(f"POST {target} HTTP/1.1", [
        ("host", "sidecar"), ("content-length", len(body))]) + body
    yield "with a byte order mark", message(target, [], b"\xef\xbb\xbf" + body)
    yield "in UTF-16", message(target, [], body.decode().encode("utf-16"))
    yield "behind blanks", message(target, [], b" \r\n\t" + body)
    yield "on an encoded path", message(target.replace("/v1", "/%76%31"), [], body)
    yield "on a doubled slash", message(target.replace("/v1", "//v1"), [], body)
    yield "as PUT", message(target, [], body).replace(b"POST ", b"PUT ", 1)


def attack(house, model, prefiller, alive, seconds=20):
    """Sends them all; returns how often each status came back. Every answer must come within its time, and what is
    answered 200 must be an answer of the model, not an error in disguise."""
    statuses = {}
    for number, (name, raw) in enumerate(requests(model, prefiller), start=1):
        try:
            with Client(house.port, timeout=seconds) as client:
                client.send(raw)
                answer = client.response()
        except TimeoutError:
            raise AssertionError(f"no answer within {seconds} s: {name}") from None
        assert answer.status < 500, f"{answer.status}: {name}: {answer.body[:300]!r}"
        if answer.status == 200 and name.startswith((CHAT + " ", COMPLETIONS + " ")):
            text_and_usage(name.split()[0], answer)
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
        if number % 20 == 0:
            alive(f"about {name}")
    alive("at the end")
    return statuses
