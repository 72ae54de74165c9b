"""A steady load that judges every answer: disaggregated streams, small requests, and a prober that only connects."""

import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass

from house import Client, ask, request
from support.wire import Closed, Malformed

CHAT = "/v1/chat/completions"


def chat(prompt, tokens, stream):
    document = {"model": "tiny", "messages": [{"role": "user", "content": prompt}], "max_tokens": tokens}
    return json.dumps(document | ({"stream": True} if stream else {})).encode()


def text_of(body):
    """The text of a streamed answer, chunk by chunk in order; None when its end is missing."""
    pieces = []
    for event in body.decode().split("\n\n"):
        if event == "data: [DONE]":
            return "".join(pieces)
        if event.startswith("data: "):
            for choice in json.loads(event[6:])["choices"]:
                pieces.append(choice["delta"].get("content") or "")
    return None


def expected_text(decoder_port, prompt, tokens):
    """What the decoder says by itself: the same text must come through prefill and decode."""
    answer = ask(decoder_port, "POST", CHAT, body=chat(prompt, tokens, stream=False))
    assert answer.status == 200, answer.body
    return answer.json()["choices"][0]["message"]["content"]


@dataclass
class Outcome:
    kind: str  # what was asked: stream, small, probe
    result: str  # ok, refused, cut, hung, wrong, or a status
    begun: float
    ended: float
    detail: str = ""


class Traffic:
    """Load until `stop`. Every outcome but a success is kept, with the time it covered."""

    def __init__(self, house, prefiller, decoder, streams=3, small=2, probers=1, tokens=24):
        self.port, self.prefiller = house.port, prefiller.address
        self.tokens = tokens
        self.prompts = [f"Tell me of the house number {number}." for number in range(8)]
        self.expected = {prompt: expected_text(decoder.port, prompt, tokens) for prompt in self.prompts}
        self.lock = threading.Lock()
        self.counts = {}
        self.troubles = []
        self.running = True
        work = [self._stream] * streams + [self._small] * small + [self._probe] * probers
        self.threads = [threading.Thread(target=self._loop, args=(job, n), daemon=True) for n, job in enumerate(work)]
        for thread in self.threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self.threads), "a request of the load never ended"

    def count(self, kind, result="ok"):
        return self.counts.get((kind, result), 0)

    def _loop(self, job, number):
        turn = number
        while self.running:
            self._one(job, turn)
            turn += 1

    def _one(self, job, turn):
        kind, begun, detail = job.__name__[1:], time.monotonic(), ""
        try:
            result, detail = job(turn)
        except ConnectionRefusedError:
            result = "refused"
        except TimeoutError:
            result = "hung"
        except Malformed as broken:
            result, detail = "wrong", str(broken)
        except (Closed, ConnectionError) as closed:
            result, detail = "cut", f"{type(closed).__name__}: {closed}"
        ended = time.monotonic()
        with self.lock:
            self.counts[kind, result] = self.counts.get((kind, result), 0) + 1
            if result != "ok":
                self.troubles.append(Outcome(kind, result, begun, ended, detail))
        if result != "ok":
            time.sleep(0.002)

    def _stream(self, turn):
        prompt = self.prompts[turn % len(self.prompts)]
        with Client(self.port) as client:
            client.send(request("POST", CHAT, [("x-prefiller-host-port", self.prefiller)],
                                chat(prompt, self.tokens, stream=True)))
            answer = client.response("POST")
        if answer.status != 200:
            return str(answer.status), answer.body.decode("utf-8", "replace")
        if not answer.complete:
            return "cut", f"after {len(answer.body)} bytes"
        text = text_of(answer.body)
        if text != self.expected[prompt]:
            return "wrong", f"{text!r} instead of {self.expected[prompt]!r}"
        return "ok", ""

    def _small(self, turn):
        """Three requests on one connection, so that kept connections are there when a process dies."""
        with Client(self.port) as client:
            for number in range(3):
                client.send(request("GET", "/v1/models"))
                try:
                    answer = client.response()
                except Closed as closed:
                    return "cut", f"request {number + 1} of its connection: {closed}"
                if answer.status != 200:
                    return str(answer.status), answer.body.decode("utf-8", "replace")
                if not answer.complete:
                    return "cut", ""
                if answer.json()["object"] != "list":
                    return "wrong", answer.body.decode("utf-8", "replace")
                if answer.one("connection") == "close":
                    break
        time.sleep(0.001)
        return "ok", ""

    def _probe(self, turn):
        """Only the handshake: it succeeds also while there is no proxy, because the listener never closes."""
        with socket.socket() as sock:
            sock.settimeout(10)
            sock.connect(("127.0.0.1", self.port))
        time.sleep(0.001)
        return "ok", ""


class Monotonic:
    """Scrapes /metrics all the time: a counter that ever goes down was lost in a restart."""

    def __init__(self, house):
        self.house, self.last, self.scrapes, self.drops = house, {}, 0, []
        self.running = True
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    def stop(self):
        self.running = False
        self.thread.join(20)

    def _loop(self):
        while self.running:
            with contextlib.suppress(OSError, ValueError, Closed, AssertionError):
                self._compare(self.house.metrics())
            time.sleep(0.02)

    def _compare(self, now):
        self.scrapes += 1
        for name, value in now.items():
            base = name.partition("{")[0]
            if base.endswith(("_total", "_bucket", "_sum", "_count")):
                if value < self.last.get(name, 0):
                    self.drops.append(f"{name}: {self.last[name]:g} -> {value:g}")
                self.last[name] = max(value, self.last.get(name, 0))
