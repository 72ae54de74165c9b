"""One channel to the dialer in the attacker's hands, and the ledger of what was asked and what came of it."""

import collections
import os
import select
import socket
import time

import frames

WINDOW = 48  # questions under way at once; fewer than a channel holds
COUNTED = {  # reasons of the policy, and how /metrics calls them
    "forbidden_address": "forbidden_address", "not_in_pool": "not_in_pool", "port_not_allowed": "port_not_allowed",
    "allowlist_missing": "no_allowlist", "allowlist_stale": "no_allowlist",
}
MOST_FAULTS = 20


class Ledger:
    """What was asked by kind, what came back, and everything that must not have happened."""

    def __init__(self):
        self.asked = collections.Counter()
        self.outcomes = collections.Counter()  # (kind, outcome)
        self.refused = collections.Counter()  # by the label in /metrics
        self.violations = 0
        self.connected = 0
        self.faults = []
        self.fault_count = 0

    def fault(self, text):
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)

    def table(self):
        """One line for each kind of question."""
        rows = [("asked for", "times", "what came of it")]
        for kind, count in sorted(self.asked.items()):
            outcomes = {outcome: n for (of, outcome), n in self.outcomes.items() if of == kind}
            rows.append((kind, f"{count:,}", ", ".join(f"{n:,} {outcome}" for outcome, n in sorted(outcomes.items()))))
        rows.append(("all together", f"{sum(self.asked.values()):,}",
                     f"{sum(self.refused.values()):,} refused by policy, {self.violations:,} cut off, "
                     f"{self.connected:,} connected as they should"))
        return "\n".join(f"{kind:<34}{count:>9}  {outcomes}" for kind, count, outcomes in rows)


class Question:
    """What was asked and which answers are right: reasons of a refusal, and names of listeners that may greet us."""

    def __init__(self, kind, reasons=(), greetings=(), target=None, detail=""):
        self.kind, self.reasons, self.greetings = kind, frozenset(reasons), frozenset(greetings)
        self.target, self.detail = target, detail

    def __str__(self):
        target = f" {frames.written(self.target)}" if self.target else ""
        return f"{self.kind}{target}{' (' + self.detail + ')' if self.detail else ''}"


class Line:
    """Asks, and holds each answer against its question."""

    def __init__(self, sock, ledger, endpoints):
        self.sock, self.ledger, self.endpoints = sock, ledger, endpoints
        self.sock.setblocking(False)
        self.waiting = {}
        self.next_id = 1
        self.is_cut = False

    def close(self):
        self.sock.close()

    def identity(self):
        self.next_id = self.next_id % 0xFFFF_FFFF + 1
        return self.next_id

    def ask(self, packet, identity, question):
        """Sends one frame and notes what must come of it. Answers are taken in as room is needed."""
        deadline = time.monotonic() + 20
        while sum(len(questions) for questions in self.waiting.values()) >= WINDOW and not self.is_cut:
            assert time.monotonic() < deadline, "no answer for 20 s"
            self.collect(0.5)
        self.waiting.setdefault(identity, []).append(question)
        self.ledger.asked[question.kind] += 1
        self.send(packet)

    def dial(self, target, question, purpose=frames.TO_PREFILLER, milliseconds=5000):
        identity = self.identity()
        self.ask(frames.dial(identity, target, purpose, milliseconds), identity, question)

    def send(self, packet):
        """Waits for room if there is none."""
        deadline = time.monotonic() + 20
        while True:
            try:
                self.sock.send(packet)
                return
            except BlockingIOError:
                assert time.monotonic() < deadline, "the dialer has not read its channel for 20 s"
                self.collect(0.05)

    def finish(self, seconds=20):
        """Every question has its answer."""
        deadline = time.monotonic() + seconds
        while self.waiting:
            if self.is_cut or time.monotonic() > deadline:
                lost = "was cut off" if self.is_cut else f"has not answered for {seconds} s"
                self.ledger.fault(f"the line {lost}; open: {[str(q[0]) for q in self.waiting.values()][:3]}")
                self.waiting.clear()
                return
            self.collect(0.2)

    def collect(self, patience=0.0):
        """Takes in every answer that is there; waits at most that long for the first."""
        if not select.select([self.sock], [], [], patience)[0]:
            return
        while True:
            try:
                packet, descriptors, flags, _ = socket.recv_fds(self.sock, 4096, 8)
            except BlockingIOError:
                return
            except ConnectionError:
                packet, descriptors, flags = b"", [], 0
            if not packet:
                self.is_cut = True
                return
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                self.ledger.fault("an answer that does not fit")
            self.judge(packet, descriptors)

    def judge(self, packet, descriptors):
        identity, what = frames.answer(packet)
        questions = self.waiting.get(identity, [])
        # Of several under one id it is the first that the answer fits; if it fits none, it is wrong for the first.
        fits = [q for q in questions if (what in q.reasons if isinstance(what, str) else self.may_reach(q, what))]
        question = (fits or questions or [None])[0]
        if question:
            questions.remove(question)
            if not questions:
                del self.waiting[identity]
        try:
            if question is None:
                self.ledger.fault(f"an answer to what was not asked: {packet.hex()}")
            elif isinstance(what, str):
                self.refusal(question, what, descriptors)
            else:
                self.connection(question, what, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def may_reach(self, question, peer):
        return any(self.endpoints.get(name) == peer for name in question.greetings)

    def refusal(self, question, reason, descriptors):
        self.ledger.outcomes[question.kind, reason] += 1
        if reason in COUNTED:
            self.ledger.refused[COUNTED[reason]] += 1
        if descriptors:
            self.ledger.fault(f"a descriptor came with the refusal of {question}")
        if reason not in question.reasons:
            wanted = " or ".join(sorted(question.reasons | question.greetings))
            self.ledger.fault(f"{question}: {reason} instead of {wanted}")

    def connection(self, question, peer, descriptors):
        """A descriptor must be there, lead where its peer name says, and to somebody who may be reached."""
        self.ledger.outcomes[question.kind, "connected"] += 1
        if len(descriptors) != 1:
            self.ledger.fault(f"{question}: connected with {len(descriptors)} descriptors")
            return
        name, greeting = far_end(descriptors[0])
        if greeting in question.greetings and self.endpoints.get(greeting) == name == peer:
            self.ledger.connected += 1
            return
        where = frames.written(name) if name else "no TCP connection"
        self.ledger.fault(
            f"{question}: CONNECTED to {where}, said to be {frames.written(peer)}, greeted by '{greeting}'")


def far_end(descriptor):
    """Where a connection leads: by the kernel's word, and by what is said there."""
    with socket.socket(fileno=os.dup(descriptor)) as sock:
        sock.settimeout(5)
        try:
            host, port = sock.getpeername()[:2]
            return frames.endpoint(host, port), sock.recv(100).decode()
        except (OSError, ValueError) as failure:
            return None, repr(failure)
