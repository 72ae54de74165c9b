"""kill -9 of children at random moments under load, and kill -9 of the supervisor."""

import os
import random
import signal
import time
from collections import Counter

from house import ROLES, House, dead_within, is_alive, wait_for
from traffic import Monotonic, Traffic

# The admin process may pause for up to 30 s when it dies again and again; proxy and dialer never for more than 1 s.
READY_WITHIN = {"proxy": 8, "dialer": 8, "admin": 45}


class Kills:
    """The moments at which something was killed, and what an outcome of the load may have met."""

    def __init__(self):
        self.at = []

    def kill(self, role, pid):
        self.at.append((time.monotonic(), role))
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            self.at.pop()
            return False
        return True

    def during(self, outcome, role):
        # The proxy may die a moment after the kill was sent.
        return sum(1 for at, who in self.at if who == role and at <= outcome.ended and at >= outcome.begun - 0.05)

    def explains(self, outcome):
        """A proxy's death cuts what it was serving. A dialer's death may cost a dial only when the retry met another
        death. Nothing else is excused: least of all a refused connection, a wrong text or a hang."""
        if outcome.result == "cut":
            return self.during(outcome, "proxy") > 0
        if outcome.result == "503":
            return self.during(outcome, "dialer") > 1 or self.during(outcome, "proxy") > 0
        return False


def kill_children(prefiller, decoder, kills, seed):
    """The main check: returns a detail with the numbers."""
    choose = random.Random(seed)
    with House(decoder.port) as house:
        warm_up(house, prefiller, decoder)
        before = settled_descriptors(house)
        log, recoveries = Kills(), Counter()
        slowest = Counter()
        metrics = Monotonic(house)
        with Traffic(house, prefiller, decoder) as traffic:
            time.sleep(0.3)
            done = 0
            while done < kills:
                # The admin process less often: its pauses grow to 30 s when it dies again within a second.
                role = choose.choices(ROLES, weights=(9, 9, 2))[0]
                time.sleep(choose.random() * 0.03)
                done += one_kill(house, log, role, choose, slowest)
                recoveries[role] += 1
        metrics.stop()
        house.wait_ready()
        unexplained = [trouble for trouble in traffic.troubles if not log.explains(trouble)]
        assert not unexplained, f"{len(unexplained)} unexplained of {len(traffic.troubles)}: {unexplained[:3]}"
        for kind in ("stream", "small", "probe"):
            assert traffic.count(kind) > 0, f"no {kind} ever succeeded: {traffic.counts}"
        assert not metrics.drops, f"counters went down: {metrics.drops[:5]}"
        assert metrics.scrapes > 0
        assert_tidy(house, before)
        cut = sum(count for (_, result), count in traffic.counts.items() if result == "cut")
        return (f"{done} kills: {dict(recoveries)}; slowest return to ready "
                + ", ".join(f"{role} {value:.2f} s" for role, value in sorted(slowest.items()))
                + f"; {traffic.count('stream')} streams, {traffic.count('small') * 3} small requests and"
                f" {traffic.count('probe')} connects well, {cut} cut by a proxy's death; {metrics.scrapes} scrapes")


def one_kill(house, log, role, choose, slowest):
    """Kills one child, sometimes its successor too, and waits for ready. Returns how many were killed."""
    before = house.pids()
    begun, killed = time.monotonic(), 0
    killed += log.kill(role, before[role])
    if choose.random() < 0.1:
        # Once more, at a moment when the successor may not be ready yet.
        fresh = wait_for(lambda: other_pid(house, role, before[role]), f"a successor of {role}", READY_WITHIN[role])
        killed += log.kill(role, fresh)
        before[role] = fresh
    house.wait_new(role, before[role], READY_WITHIN[role])
    house.wait_ready(READY_WITHIN[role])
    slowest[role] = max(slowest[role], time.monotonic() - begun)
    after = house.pids()
    for other in ROLES:
        if other != role:
            lines = house.log_text()[-900:]
            assert after[other] == before[other], f"killing the {role} disturbed the {other}:\n{lines}"
    return killed


def other_pid(house, role, old):
    pid = house.row(role)["pid"]
    return pid if pid not in (0, old) else None


def warm_up(house, prefiller, decoder):
    """What is opened once in a life is opened before anything is counted."""
    with Traffic(house, prefiller, decoder):
        time.sleep(0.5)


def settled_descriptors(house):
    """Descriptors of each process once nothing is in flight and idle connections have been closed."""
    last = None
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        now = house.descriptors()
        if now == last:
            return now
        last = now
        time.sleep(1.5)
    raise AssertionError(f"descriptors keep changing while nothing is asked: {last}")


def assert_tidy(house, before):
    """As many descriptors as before, the three children and no other process, no zombie."""
    after = settled_descriptors(house)
    more = {name: (before[name], count) for name, count in after.items() if count > before[name]}
    assert not more, f"descriptors leaked, (before, after): {more}"
    children = house.children()
    assert set(children) == set(house.pids().values()), f"children {children}, status {house.pids()}"
    assert "Z" not in children.values(), f"zombies: {children}"
    assert house.members() == set(children) | {house.pid}, f"stray processes: {house.members()}"


def survivor_of(prefiller, decoder, victim, survivor, kills):
    """A process that lives through many deaths of its neighbour holds no more descriptors than before."""
    with House(decoder.port) as house:
        warm_up(house, prefiller, decoder)
        before, pids, log = settled_descriptors(house), house.pids(), Kills()
        with Traffic(house, prefiller, decoder, streams=2, small=2) as traffic:
            for _ in range(kills):
                old = house.pids()[victim]
                assert log.kill(victim, old)
                house.wait_new(victim, old, READY_WITHIN[victim])
                time.sleep(0.2)
        unexplained = [trouble for trouble in traffic.troubles if not log.explains(trouble)]
        assert not unexplained, f"{len(unexplained)} unexplained: {unexplained[:3]}"
        house.wait_ready()
        assert house.pids()[survivor] == pids[survivor]
        assert_tidy(house, before)
        return f"{kills} kills, {traffic.count('stream')} streams well, {len(traffic.troubles)} cut"


def kill_supervisor(decoder, times, seed):
    """kill -9 of the supervisor while it serves: its children end with it."""
    choose = random.Random(seed)
    for _ in range(times):
        house = House(decoder.port)
        try:
            children = set(house.children())
            assert len(children) == 3, children
            time.sleep(choose.random() * 0.05)
            house.process.kill()
            assert_nothing_left(house, children)
        finally:
            house.end()
    return f"{times} times"


def kill_supervisor_in_a_restart(decoder, times, seed):
    """kill -9 of the supervisor while a replacement starts."""
    choose = random.Random(seed)
    for turn in range(times):
        house = House(decoder.port)
        try:
            children = set(house.children())
            if turn % 2:
                house.process.send_signal(signal.SIGUSR2)
            else:
                os.kill(house.pids()[choose.choice(ROLES)], signal.SIGKILL)
            time.sleep(choose.random() * 0.025)
            house.process.kill()
            assert_nothing_left(house, children)
        finally:
            house.end()
    return f"{times} times"


def kill_supervisor_in_its_start(decoder, times, seed):
    """kill -9 of the supervisor within its first moments, wherever its spawning is."""
    choose = random.Random(seed)
    for _ in range(times):
        house = House(decoder.port, ready=False)
        try:
            time.sleep(choose.random() * 0.04)
            house.process.kill()
            assert_nothing_left(house, set())
        finally:
            house.end()
    return f"{times} times"


def assert_nothing_left(house, children):
    house.process.wait(5)
    assert dead_within(children, 2), f"children outlived it: {[pid for pid in children if is_alive(pid)]}"
    wait_for(lambda: not house.members(), "no process of its session left", timeout=2)
