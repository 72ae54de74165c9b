"""A running pair of vLLM servers, as the checks ask it: health, counters, and its own answers."""

import json
import pathlib
import random
import re
import sys
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Chaos"))

from house import Client, is_alive, request, wait_for  # noqa: E402
from support.wire import head  # noqa: E402

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
PATIENCE = 60  # seconds for one answer of a model on a CPU
WORDS = ("amber anchor arrow autumn basalt beacon birch bridge candle canyon cedar cloud cobalt comet copper coral "
         "dawn delta drift dune ember fable falcon fern field flint forest garden glacier granite harbor hazel").split()


def prompt_of(words, seed):
    choose = random.Random(seed)
    return f"Number {seed}. " + " ".join(choose.choice(WORDS) for _ in range(words))


class Server:
    def __init__(self, role, url, pid=None):
        address = re.sub(r"^https?://", "", url).rstrip("/")
        self.role, self.address, self.pid = role, address, pid
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        models = self.ask("GET", "/v1/models").json()
        self.model = models["data"][0]["id"]

    def ask(self, method, target, document=None, headers=(), timeout=PATIENCE):
        return asked(self.host, self.port, method, target, document, headers, timeout)

    def assert_healthy(self, why):
        assert self.pid is None or is_alive(self.pid), f"the {self.role} server ended: {why}"
        try:
            answer = self.ask("GET", "/health", timeout=20)
        except OSError as failure:
            raise AssertionError(f"the {self.role} server is gone: {why}: {failure}") from None
        assert answer.status == 200, f"the {self.role} server answers {answer.status}: {why}"

    def counters(self):
        """Sums over engines, by name and the label that matters."""
        totals = {}
        for line in self.ask("GET", "/metrics").body.decode().splitlines():
            if not line.startswith("vllm:"):
                continue
            name, _, value = line.rpartition(" ")
            base, _, labels = name.partition("{")
            source = re.search(r'(?:source|finished_reason)="([^"]*)"', labels)
            key = (base[5:], source[1] if source else "")
            totals[key] = totals.get(key, 0) + float(value)
        return totals


def asked(host, port, method, target, document=None, headers=(), timeout=PATIENCE, body=None):
    if document is not None:
        body = json.dumps(document).encode()
    with Client(port, host=host, timeout=timeout) as client:
        client.send(request(method, target, list(headers), body))
        return client.response(method)


def generation(model, target, prompt, tokens=24, stream=False, **more):
    """A request whose text is the same each time, and whose prompt no cache knows."""
    document = {"model": model, "max_tokens": tokens, "temperature": 0, "cache_salt": uuid.uuid4().hex}
    if target == CHAT:
        document["messages"] = [{"role": "user", "content": prompt}]
    else:
        document["prompt"] = prompt
    if stream:
        document |= {"stream": True, "stream_options": {"include_usage": True}}
    return document | more


def text_and_usage(target, answer, index=0):
    """The text of one choice, streamed or not, and the usage."""
    assert answer.status == 200, f"{answer.status}: {answer.body[:400]!r}"
    assert answer.complete, "the answer was cut off"
    if not (answer.one("content-type") or "").startswith("text/event-stream"):
        document = answer.json()
        choice = document["choices"][index]
        return (choice["message"]["content"] if target == CHAT else choice["text"]), document["usage"]
    events = [event[6:] for event in answer.body.decode().split("\n\n") if event.startswith("data: ")]
    assert events and events[-1] == "[DONE]", f"the stream does not end: {events[-1:]}"
    text, usage = [], None
    for event in events[:-1]:
        document = json.loads(event)
        assert "error" not in document, event
        usage = document.get("usage") or usage
        for choice in document["choices"]:
            if choice["index"] == index:
                text.append((choice["delta"].get("content") if target == CHAT else choice["text"]) or "")
    return "".join(text), usage


def grown(before, after, name, label=""):
    return after.get((name, label), 0) - before.get((name, label), 0)


def settles(server, before, name, label, amount, timeout=10):
    """Counters are written in scheduler steps: waits until one has grown by that much; returns all of them."""
    def look():
        after = server.counters()
        return after if grown(before, after, name, label) >= amount else None

    try:
        return wait_for(look, f"{name} {label} to grow by {amount}", timeout)
    except AssertionError:
        return server.counters()
