#!/usr/bin/env python3
"""The claim itself: a proxy that was taken over reaches nothing that the allowlist does not hold. Prints one line for
each check, then a table of what was asked.

    SIDECAR_BUILD=.build/release python3 Tests/Attack/attack.py [--dials 100000] [--seed N]

As root it runs on a machine of its own, on which every address of the internet would answer (own_machine.py).
"""

import argparse
import pathlib
import random
import resource
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Chaos"))

from house import BUILD  # noqa: E402
from report import NotChecked, Report, stop_unless_linux  # noqa: E402
from support import own_machine  # noqa: E402

import scene  # noqa: E402
from barrage import barrage, malformed, names  # noqa: E402
from treachery import (  # noqa: E402
    cancels,
    closings,
    floods,
    forgeries,
    replays,
    revocations,
    unread_connections,
)


def checks(stage, dials):
    """Every check as (sentence, function); the numbers of the barrage add up to `dials`."""
    broken, named, replayed = dials // 50, dials // 25, dials // 20
    direct = dials - broken - named - replayed
    yield "without protection the same question reaches a canary", lambda: scene.control(stage)
    yield f"{direct:,} dials to where nobody may go lead nowhere, members are reached between them", lambda: barrage(
        stage, direct)
    yield f"{named:,} names lead nowhere but to members", lambda: names(stage, named)
    yield f"{broken:,} broken frames cost their sender its channel and nothing else", lambda: malformed(stage, broken)
    yield f"{replayed:,} replayed ids get what they would have got the first time", lambda: replays(stage, replayed)
    yield "a cancel ends its own channel's dial, and no other's", lambda: cancels(stage)
    yield "channels closed in the middle leave nothing behind", lambda: closings(stage)
    yield "dials whose answers nobody reads stop nobody else, and cost little", lambda: floods(stage)
    yield "connections that nobody takes stop nobody else, and go with their channel", lambda: unread_connections(stage)
    yield "the snapshot can't be changed, and a forged one is refused", lambda: forgeries(stage)
    yield "what has left the allowlist is refused, also when its dial was under way", lambda: revocations(stage)
    yield "no canary was reached", stage.no_canary
    yield "every connection that was begun was one to the decoder or to a member", stage.every_connect_is_known
    yield "the dialer is the one that was there at the start", stage.same_dialer
    yield "every refusal and every violation is counted", stage.all_counted
    yield "a proxy that writes into its own counters hides none of the dialer's", stage.counters_hold
    yield "with a real proxy again, members are served and others refused", stage.serves_again


def main():
    stop_unless_linux()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dials", type=int, default=20_000, help="how often the dialer is asked (default 20,000)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30), help="repeat the targets of another run")
    options = parser.parse_args()
    if not (BUILD / "routing-sidecar").exists():
        raise SystemExit(f"{BUILD / 'routing-sidecar'} is not there: run `make build`, or set SIDECAR_BUILD")
    print(f"attack: {BUILD}, --dials {options.dials} --seed {options.seed}", flush=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    report = Report("attack")
    isolated = own_machine.may_have_one()
    if isolated:
        scene.isolate()
    else:
        def without_root():
            raise NotChecked("needs root, for a machine of its own; below only loopback addresses are asked for")

        report.run("addresses beyond loopback lead nowhere", without_root)
    stage = scene.Stage(isolated, options.seed)
    try:
        stage.start()
        for sentence, check in checks(stage, options.dials):
            report.run(sentence, check)
        print(stage.ledger.table(), flush=True)
    finally:
        stage.close()
    raise SystemExit(report.close())


if __name__ == "__main__":
    main()
