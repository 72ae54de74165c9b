"""From an event to its enforcement: each kind of change, many times, seen through requests to the sidecar."""

import time

from objects import K8S, LABELS, pool
from probe import Guard, WrongAnswer, enforced, percentile
from report import milliseconds
from scene import ADDRESSES, SPARE, Scene
from support.engine import wait_for

OTHER = {"app": "other"}
# Members for whom nothing changes, and a stranger.
STEADY, STRANGER = 0, 1
# How often the slow kind is done: each takes seconds at the server.
DEFINITIONS = 8


class Round:
    """Changes to one pod after another. The sidecar asks for readiness, so that this too is a change."""

    def __init__(self, scene, sidecar):
        self.scene, self.server, self.probe = scene, scene.server, sidecar.probe
        self.number = 0

    def see(self, kind, write, number, expected):
        return enforced(self.probe, kind, write, self.scene.target(number), expected)

    def pods(self):
        """The life of one pod, at addresses that are used again and again."""
        self.number += 1
        name, server = f"p{self.number}", self.server
        at, next_ = 2 + self.number % 8, 10 + self.number % 8
        server.create_pod(name, LABELS)
        yield self.see("pod added", lambda: server.set_status(name, ADDRESSES[at]), at, 200)
        yield self.see("pod not ready", lambda: server.set_status(name, ADDRESSES[at], False), at, 403)
        yield self.see("pod made ready", lambda: server.set_status(name, ADDRESSES[at]), at, 200)
        yield self.see("pod relabelled out", lambda: server.set_labels(name, SPARE), at, 403)
        yield self.see("pod relabelled in", lambda: server.set_labels(name, LABELS), at, 200)
        yield self.see("pod moved: new address", lambda: server.set_status(name, ADDRESSES[next_]), next_, 200)
        if self.probe.ask(self.scene.target(at)) != 403:
            raise WrongAnswer("a pod that moved is still allowed at its old address")
        yield self.see("pod moved: old address", lambda: server.set_status(name, ADDRESSES[at]), next_, 403)
        yield self.see("pod deleted", lambda: server.delete_pod(name), at, 403)

    def pool_changes(self):
        """`other` has been made beforehand, at address 18."""
        put, server = self.server.put_pool, self.server
        yield self.see(
            "selector changed: leaves", lambda: put(pool([self.scene.port], OTHER)), STEADY, 403)
        wait_for(lambda: self.probe.ask(self.scene.target(18)) == 200, "the other selector's pod")
        yield self.see(
            "selector changed: joins", lambda: put(pool([self.scene.port])), STEADY, 200)
        yield self.see("pool deleted", lambda: server.delete_pool(K8S), STEADY, 403)
        yield self.see("pool made again", lambda: put(pool([self.scene.port])), STEADY, 200)

    def definition_changes(self):
        """The definition of the kind is deleted (which deletes the pool) and installed again."""
        yield self.see("definition removed", lambda: self.server.uninstall(K8S), STEADY, 403)
        self.server.install(K8S)
        # From the pool's return: before it there is nothing to allow.
        yield self.see(
            "definition installed, pool made", lambda: self.server.put_pool(pool([self.scene.port])), STEADY, 200)


def measure(server, report, changes):
    seen, wrong = [], []
    with Scene(server) as scene:
        scene.pod("steady", STEADY)
        scene.pod("stranger", STRANGER, SPARE)
        sidecar = scene.start(allowlist_require_ready=True)
        round_ = Round(scene, sidecar)
        with Guard(sidecar.port, [scene.target(STEADY)], [scene.target(STRANGER)]) as guard:
            wanted = max(8, changes - changes // 5 - 2 * DEFINITIONS)
            while len(seen) < wanted:
                collect(round_.pods(), seen, wrong)
        report.judge(
            "members refused or strangers allowed meanwhile", f"{len(guard.wrong)} of {guard.asked} {guard.wrong[:2]}",
            not guard.wrong and guard.asked > 100)
        scene.pod("other", 18, OTHER)
        wanted = len(seen) + max(4, changes // 5)
        while len(seen) < wanted:
            collect(round_.pool_changes(), seen, wrong)
        for _ in range(min(DEFINITIONS, max(1, changes // 50))):
            collect(round_.definition_changes(), seen, wrong)
        report.judge("wrong answers after enforcement", f"{len(wrong)} {wrong[:2]}", not wrong)
        requests = sidecar.metric("sidecar_kubernetes_lists_total")
        report.add("complete lists that this took", int(requests), "measured")
    figures(report, seen)


def collect(changes, seen, wrong):
    try:
        for one in changes:
            seen.append(one)
            time.sleep(0.002)
    except WrongAnswer as failure:
        wrong.append(str(failure))


def figures(report, seen):
    for kind in dict.fromkeys(one.kind for one in seen):
        line(report, kind, [one for one in seen if one.kind == kind])
    # A definition's removal is done when its DELETE returns, seconds after its objects went.
    quick = [one for one in seen if not one.kind.startswith("definition removed")]
    line(report, "all", quick)
    returned = [max(0.0, one.from_return) for one in quick]
    report.judge(
        f"event to enforcement, {len(quick)} changes, median at most 3 ms", milliseconds(percentile(returned, 0.5)),
        percentile(returned, 0.5) <= 0.003)
    report.judge(
        f"event to enforcement, {len(seen)} changes, p99 at most 1 s",
        milliseconds(percentile([one.from_return for one in seen], 0.99)),
        percentile([one.from_return for one in seen], 0.99) <= 1.0)


def line(report, kind, seen):
    def shares(values):
        return " / ".join(milliseconds(percentile(values, share)) for share in (0.5, 0.99, 1))

    report.add(
        f"{kind} ({len(seen)}): median / p99 / worst",
        f"from its return {shares([one.from_return for one in seen])}; from before the write"
        f" {shares([one.from_before for one in seen])}", "measured")
