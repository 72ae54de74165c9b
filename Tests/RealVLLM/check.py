#!/usr/bin/env python3
"""The sidecar in front of a real pair of vLLM servers that share KV cache through NIXL.

    SIDECAR_BUILD=.build/release python3 Tests/RealVLLM/check.py PREFILL DECODE [--prefill-pid N] [--decode-pid N]

PREFILL and DECODE are addresses of running servers of one model, such as 127.0.0.1:18002 and 127.0.0.1:18001. Without
them nothing is checked, and that is said.
"""

import argparse
import functools
import json
import pathlib
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Chaos"))

import malformed  # noqa: E402
from house import House, free_port  # noqa: E402
from pair import (  # noqa: E402
    CHAT, COMPLETIONS, PATIENCE, Client, Server, asked, generation, grown, prompt_of, request, settles, text_and_usage,
    wait_for)
from report import Report, stop_unless_linux  # noqa: E402

ROUTE = "x-prefiller-host-port"


class Bench:
    """The pair with the sidecar before its decoder."""

    def __init__(self, house, prefill, decode):
        self.house, self.prefill, self.decode = house, prefill, decode

    def routed(self, target, document, prefiller=None):
        headers = [(ROUTE, prefiller or self.prefill.address)]
        return asked("127.0.0.1", self.house.port, "POST", target, document, headers)

    def plain(self, target, document):
        return asked("127.0.0.1", self.house.port, "POST", target, document)

    def healthy(self, why=""):
        self.prefill.assert_healthy(why)
        self.decode.assert_healthy(why)

    def text_equals(self, target, words, stream, seed):
        """Through prefill and decode as by the decoder alone; the decoder's counters tell where the KV came from."""
        prompt = prompt_of(words, seed)
        own, usage = text_and_usage(target, self.decode.ask(
            "POST", target, generation(self.decode.model, target, prompt)))
        other, _ = text_and_usage(target, self.decode.ask(
            "POST", target, generation(self.decode.model, target, prompt_of(words, seed + 500_000))))
        assert own != other, "two prompts have one text: equality would prove nothing"
        before = self.decode.counters()
        text, routed_usage = text_and_usage(
            target, self.routed(target, generation(self.decode.model, target, prompt, stream=stream)))
        tokens = usage["prompt_tokens"]
        after = settles(self.decode, before, "prompt_tokens_by_source_total", "external_kv_transfer", tokens)
        assert text == own, f"{text!r} instead of {own!r}"
        assert routed_usage["prompt_tokens"] == tokens, routed_usage
        assert routed_usage["completion_tokens"] == usage["completion_tokens"], routed_usage
        pulled = grown(before, after, "prompt_tokens_by_source_total", "external_kv_transfer")
        computed = grown(before, after, "prompt_tokens_by_source_total", "local_compute")
        assert pulled == tokens, f"{pulled:g} of {tokens} prompt tokens came from the prefiller"
        assert computed == 0, f"the decoder computed {computed:g} prompt tokens itself"
        assert grown(before, after, "nixl_num_failed_transfers_total") == 0
        return f"{tokens} prompt tokens, all transferred"

    def plain_text_equals(self, target, stream, seed):
        prompt = prompt_of(30, seed)
        own, _ = text_and_usage(target, self.decode.ask(
            "POST", target, generation(self.decode.model, target, prompt)))
        before = self.decode.counters()
        text, usage = text_and_usage(
            target, self.plain(target, generation(self.decode.model, target, prompt, stream=stream)))
        after = settles(self.decode, before, "prompt_tokens_by_source_total", "local_compute", usage["prompt_tokens"])
        assert text == own, f"{text!r} instead of {own!r}"
        assert grown(before, after, "prompt_tokens_by_source_total", "external_kv_transfer") == 0

    def in_parallel(self, count=12):
        prompts = [prompt_of(40 + number, 9_000 + number) for number in range(count)]
        own = [text_and_usage(CHAT, self.decode.ask(
            "POST", CHAT, generation(self.decode.model, CHAT, prompt, tokens=40)))[0] for prompt in prompts]
        texts = [None] * count

        def one(number):
            document = generation(self.decode.model, CHAT, prompts[number], tokens=40, stream=number % 2 == 0)
            texts[number] = text_and_usage(CHAT, self.routed(CHAT, document))[0]

        threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE * 2)
        wrong = [number for number in range(count) if texts[number] != own[number]]
        assert not wrong, f"{len(wrong)} of {count} texts differ: {texts[wrong[0]]!r} instead of {own[wrong[0]]!r}"
        return f"{count} at once"

    def several_prompts(self, own_lengths, as_tokens):
        """A prefiller answers several prompts with the handoff of the first: with it the others would get the KV of
        another prompt (wrong text), and one that needs more blocks makes the decoder exit."""
        prompts = [prompt_of(words, 7_000 + number) for number, words in enumerate(own_lengths)]
        if as_tokens:
            asked_for = [{"model": self.decode.model, "prompt": prompt} for prompt in prompts]
            prompts = [self.decode.ask("POST", "/tokenize", document).json()["tokens"] for document in asked_for]
        own = [text_and_usage(COMPLETIONS, self.decode.ask(
            "POST", COMPLETIONS, generation(self.decode.model, COMPLETIONS, prompt)))[0] for prompt in prompts]
        answer = self.routed(COMPLETIONS, generation(self.decode.model, COMPLETIONS, prompts))
        self.healthy("after several prompts in one request")
        if answer.status == 400:
            return "refused"
        texts = [text_and_usage(COMPLETIONS, answer, index)[0] for index in range(len(prompts))]
        assert texts == own, f"{texts} instead of {own}"
        return "served"

    def several_choices(self):
        """Two choices need sampling; with a seed they are the same each time."""
        def document():
            return generation(self.decode.model, CHAT, prompt_of(40, 7_003), n=2, temperature=0.8, seed=11)

        own = self.decode.ask("POST", CHAT, document())
        answer = self.routed(CHAT, document())
        for index in range(2):
            expected, text = text_and_usage(CHAT, own, index)[0], text_and_usage(CHAT, answer, index)[0]
            assert text == expected, f"choice {index}: {text!r} instead of {expected!r}"
        self.healthy("after two choices")

    def leave(self, phase):
        """A client that goes away: its request ends in the engine too, and nothing else is harmed."""
        before = self.decode.counters()
        running = self.prefill if phase == "prefill" else self.decode
        document = generation(self.decode.model, CHAT, prompt_of(700, int(time.time())), tokens=1500, stream=True)
        with Client(self.house.port, timeout=PATIENCE) as client:
            client.send(request("POST", CHAT, [(ROUTE, self.prefill.address)], json.dumps(document).encode()))
            if phase == "decode":
                client.read_until(b"data: ")
            else:
                time.sleep(0.02)
        wait_for(lambda: self.decode.counters().get(("num_requests_running", ""), 0) == 0
                 and self.prefill.counters().get(("num_requests_running", ""), 0) == 0,
                 f"nothing running after the client left in {phase}", timeout=10)
        if phase == "decode":
            settles(self.decode, before, "request_success_total", "abort", 1)
            finished = grown(before, self.decode.counters(), "request_success_total", "length")
            assert finished == 0, "the decoder went on to the end for nobody"
        running.assert_healthy(f"after a client left in {phase}")
        return self.text_equals(CHAT, 30, True, 8_000 + len(phase))

    def error_is_forwarded(self, status, document):
        """The prefiller's own words, and the decoder is not asked."""
        own = self.prefill.ask("POST", CHAT, document)
        assert own.status == status, (own.status, own.body)
        before = self.decode.counters()
        answer = self.routed(CHAT, document)
        assert answer.status == status, (answer.status, answer.body)
        assert answer.json()["error"]["message"] == own.json()["error"]["message"], answer.body
        after = self.decode.counters()
        assert grown(before, after, "prompt_tokens_total") == 0
        self.healthy()

    def prefiller_unreachable(self):
        answer = self.routed(CHAT, generation(self.decode.model, CHAT, "Hello."), f"127.0.0.1:{free_port()}")
        assert answer.status == 504, (answer.status, answer.body)
        self.healthy()

    def attack(self):
        before = self.decode.counters()
        statuses = malformed.attack(self.house, self.decode.model, self.prefill.address, self.healthy)
        after = self.decode.counters()
        assert grown(before, after, "nixl_num_failed_transfers_total") == 0, "something of it arrived"
        self.text_equals(CHAT, 30, True, 8_500)
        return ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))

    def attack_refusing(self):
        with House(self.decode.port, decoder_host=self.decode.host, client_protocol_members="refuse") as house:
            statuses = malformed.attack(house, self.decode.model, self.prefill.address, self.healthy)
        assert 200 not in statuses, f"some were served: {statuses}"
        return ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))


def run(bench, report):
    some = functools.partial
    model, seed = bench.decode.model, int(time.time()) % 100_000 * 10
    for target, name in ((CHAT, "chat"), (COMPLETIONS, "completions")):
        for stream in (False, True):
            how = "streamed" if stream else "whole"
            for words, length in ((4, "short"), (60, "middle"), (300, "long")):
                seed += 1
                report.run(f"{name}, {how}, {length} prompt: the decoder's own text, every prompt token transferred",
                           some(bench.text_equals, target, words, stream, seed))
            seed += 1
            report.run(f"{name}, {how}, without a prefiller: the decoder's own text, nothing transferred",
                       some(bench.plain_text_equals, target, stream, seed))
    report.run("parallel requests get their own texts", bench.in_parallel)
    report.run("several choices of one prompt have its text", bench.several_choices)
    report.run("a client that leaves during prefill ends it", some(bench.leave, "prefill"))
    report.run("a client that leaves during decode ends it", some(bench.leave, "decode"))
    report.run("the prefiller's 404 for an unknown model is forwarded", some(
        bench.error_is_forwarded, 404, generation("nobody-knows-it", CHAT, "Hello.")))
    report.run("the prefiller's 400 for an overlong prompt is forwarded", some(
        bench.error_is_forwarded, 400, generation(model, CHAT, "word " * 12_000)))
    report.run("the prefiller's 400 for a wrong type is forwarded", some(
        bench.error_is_forwarded, 400, generation(model, CHAT, "Hello.") | {"temperature": "hot"}))
    report.run("a prefiller that is not there is a 504, and nobody is harmed", bench.prefiller_unreachable)
    report.run("hostile protocol members through every door stop no engine", bench.attack)
    report.run("hostile protocol members through every door are refused where that is set", bench.attack_refusing)
    for lengths, how in (((40, 40), "of one length"), ((60, 40), "the first longest"), ((40, 60), "the last longest")):
        for as_tokens in (False, True):
            kind = "tokens" if as_tokens else "texts"
            report.run(f"several prompts in one request, {how}, {kind}: each its own text",
                       some(bench.several_prompts, lengths, as_tokens))
    report.run("both servers live", bench.healthy)


def main():
    stop_unless_linux()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prefill", nargs="?", help="address of the prefill server")
    parser.add_argument("decode", nargs="?", help="address of the decode server")
    parser.add_argument("--prefill-pid", type=int, help="its process, which must live to the end")
    parser.add_argument("--decode-pid", type=int, help="its process, which must live to the end")
    parser.add_argument("--only", help="only checks whose sentence holds these words")
    options = parser.parse_args()
    report = Report("real vLLM", options.only)
    if not options.decode:
        print("NOT CHECKED against real engines: no addresses of a running vLLM pair were given")
        print("0 passed, 0 failed, 1 skipped")
        return
    prefill = Server("prefill", options.prefill, options.prefill_pid)
    decode = Server("decode", options.decode, options.decode_pid)
    with House(decode.port, decoder_host=decode.host, handoff_block_ids="nested", prefill_timeout="60s") as house:
        run(Bench(house, prefill, decode), report)
    raise SystemExit(report.close())


if __name__ == "__main__":
    main()
