"""Hours of handshakes in miniature: memory and descriptors of every process stay where they were."""

import time

from house_over_tls import HouseOverTLS, open_descriptors, resident
from load import engine, load

# A process may hold this much more at the end than after the warm-up: malloc's tides, not a leak of a byte per handshake.
MOST_GROWTH = 1 << 20


def state(house):
    """Once the connections that are kept for later have been given up."""
    time.sleep(2.5)
    return {name: (resident(pid), open_descriptors(pid)) for name, pid in house.everybody().items()}


def check(pki, count, kind="p256"):
    with engine() as port, HouseOverTLS(port, pki, kind, upstream_idle_timeout="1s") as house:
        pids = house.everybody()
        full = resumed = 0
        before = None
        # Both versions, tickets and none, with a request and without.
        ways = [("--request", "--resumed-of-ten", 7), ("--tls12", "--request", "--resumed-of-ten", 7), (),
                ("--tls12", "--resumed-of-ten", 9)]
        for turn, share in enumerate((0.2, 0.2, 0.2, 0.2, 0.2)):
            for way in ways:
                told = load("handshakes", house.port, "--count", int(count * share / len(ways)), "--parallel", 64, *way)
                full, resumed = full + told["full"], resumed + told["resumed"]
            if turn == 0:
                before = state(house)
        after = state(house)
        assert house.everybody() == pids, "a process died"
        grown = {name: after[name][0] - before[name][0] for name in after}
        words = "; ".join(f"{name} {size / 1e6:.1f} MB, {grown[name] / 1e3:+.0f} kB, {descriptors} fds"
                          for name, (size, descriptors) in after.items())
        for name in after:
            assert grown[name] <= MOST_GROWTH, f"the {name} has grown: {words}"
            assert after[name][1] <= before[name][1] + 2, f"descriptors of the {name}: {before[name][1]}, then {after[name][1]}"
        counted = {way: house.tls_metric("sidecar_tls_handshakes_total", side="client", kind=way)
                   for way in ("full", "resumed")}
        assert counted == {"full": full, "resumed": resumed}, (counted, full, resumed)
        return f"{full} full, {resumed} resumed; {words}"
