#!/usr/bin/env python3
"""What the family of processes must survive. Prints one line for each check.

    SIDECAR_BUILD=.build/release python3 Tests/Chaos/chaos.py [--kills 60] [--full] [--only WORDS] [--seed N]

`--kills` is the number of kill -9 in the main check; `--full` adds the checks that take minutes.
"""

import argparse
import functools
import random
import sys

sys.dont_write_bytecode = True

import abuse  # noqa: E402
import crashes  # noqa: E402
import kills  # noqa: E402
import shortages  # noqa: E402
import storms  # noqa: E402
from house import BUILD, SimulatedEngine  # noqa: E402
from report import NotChecked, Report, stop_unless_linux  # noqa: E402


def not_checked(why):
    def check():
        raise NotChecked(why)

    return check


def checks(prefiller, decoder, options):
    """Every check as (sentence, function), the cheap ones first. `full` marks those that take minutes."""
    pair = functools.partial
    some = max(10, options.kills // 10)
    seed = options.seed
    yield "a crash loop of the proxy backs off, gives up by rule and exits 70", pair(crashes.crash_loop, decoder)
    yield "a dialer that calls its configuration wrong is not tried twice", pair(crashes.fatal_dialer, decoder)
    yield "a program that is missing is named before giving up", pair(crashes.missing_program, decoder)
    yield "a failed admin process ends nothing and comes back when asked", pair(crashes.failed_admin, decoder)
    yield "a replacement that crashes leaves the old proxy serving", pair(crashes.failing_replacement, decoder)
    yield "every exit code and every signal is reported as what it was", pair(crashes.every_death, decoder)
    if options.full:
        yield "a proxy that never becomes ready is ended after 30 s", pair(crashes.never_ready, decoder)
    yield "orphaned grandchildren are reaped, as subreaper", pair(crashes.orphans, decoder)
    yield "orphaned grandchildren are reaped, as PID 1", pair(crashes.orphans_as_first_process, decoder)
    yield "violations of the protocol by a new proxy end it and nothing else", pair(abuse.by_replacements, decoder)
    yield "violations of the protocol by the serving proxy end it and nothing else", pair(abuse.by_current, decoder)
    yield "a flood of frames from a child starves nobody", pair(abuse.flood, decoder)
    yield "a child that hands over descriptors leaves none behind", pair(abuse.descriptors, decoder)
    yield "a proxy that abuses the dialer is cut off, and the others dial on", pair(abuse.of_the_dialer, decoder)
    yield "bad clients of the control socket disturb nobody", pair(abuse.of_the_control_socket, decoder)
    yield "another user can't reach the control socket", pair(abuse.stranger, decoder)
    yield "standard error on a full disk stops nothing", pair(shortages.full_disk, prefiller, decoder)
    yield "standard error that nobody reads stops nothing", pair(shortages.full_pipe, prefiller, decoder)
    yield "standard error whose reader is gone stops nothing", pair(shortages.broken_pipe, prefiller, decoder)
    yield "a start with 40 descriptors serves or says why not", pair(shortages.few_descriptors, decoder)
    yield "a supervisor without descriptors keeps trying and recovers", pair(shortages.no_descriptors, decoder)
    yield "a supervisor without descriptors does not spin over a waiting client", pair(
        shortages.no_descriptors_and_a_client, decoder)
    yield "a supervisor that can't fork keeps trying and recovers", pair(shortages.no_processes, decoder)
    yield "a storm of 100,000 signals is survived", pair(storms.signals, decoder, 100_000)
    yield "a storm of signals that goes on does not keep the supervisor from its work", pair(
        storms.work_in_a_storm, decoder)
    yield "a storm of restarts over the control socket is survived", pair(storms.restarts, decoder, 300)
    yield "restarting the proxy ten times during streams loses nothing", pair(
        storms.restarts_during_streams, prefiller, decoder)
    yield "restarting the dialer ten times during streams loses nothing", pair(
        storms.dialer_restarts_during_streams, prefiller, decoder)
    yield "a burst of requests waits for a dialer that pauses", pair(storms.burst_while_the_dialer_pauses, decoder)
    yield "a stopped proxy does not hold up the end", pair(storms.stopped_at_the_end, decoder, "proxy")
    yield "a stopped dialer does not hold up the end", pair(storms.stopped_at_the_end, decoder, "dialer")
    yield "a stopped admin process does not hold up the end", pair(storms.stopped_at_the_end, decoder, "admin")
    yield "in a drain new connections are refused, also after a restart", pair(storms.drain_refuses, decoder)
    if options.full:
        yield "a stopped dialer is noticed, and ready again when it goes on", pair(
            storms.stopped_and_continued, decoder)
        yield "a pod that is frozen for 40 s goes on with the processes it had", pair(
            storms.frozen_and_continued, decoder)
        yield "a child silent for 30 s is replaced", pair(storms.stopped_for_good, decoder)
        yield "a child that closes its channel is replaced within 40 s", pair(abuse.closed_channel, decoder)
    yield "kill -9 of the supervisor leaves nothing running", pair(kills.kill_supervisor, decoder, some // 2, seed)
    yield "kill -9 of the supervisor during a restart leaves nothing running", pair(
        kills.kill_supervisor_in_a_restart, decoder, some, seed)
    yield "kill -9 of the supervisor in its start leaves nothing running", pair(
        kills.kill_supervisor_in_its_start, decoder, some, seed)
    yield "a proxy outlives many dialers without a leak", pair(
        kills.survivor_of, prefiller, decoder, "dialer", "proxy", some)
    yield "a dialer outlives many proxies without a leak", pair(
        kills.survivor_of, prefiller, decoder, "proxy", "dialer", some)
    yield f"kill -9 of any child, {options.kills} times under load, always leads back to ready", pair(
        kills.kill_children, prefiller, decoder, options.kills, seed)
    yield "an out-of-memory kill is reported as one", not_checked("needs a memory cgroup of its own")
    yield "a jump of the wall clock changes nothing", not_checked(
        "setting the clock would disturb the whole machine; all deadlines use the monotonic clock")


def main():
    stop_unless_linux()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60, help="kill -9 of children in the main check (default 60)")
    parser.add_argument("--full", action="store_true", help="also the checks that take minutes")
    parser.add_argument("--only", help="only checks whose sentence holds these words")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30), help="repeat the moments of another run")
    options = parser.parse_args()
    if not (BUILD / "routing-sidecar").exists():
        raise SystemExit(f"{BUILD / 'routing-sidecar'} is not there: run `make build`, or set SIDECAR_BUILD")
    print(f"chaos: {BUILD}, --kills {options.kills} --seed {options.seed}", flush=True)
    report = Report("chaos", options.only)
    prefiller = SimulatedEngine("prefill", "--record=0")
    decoder = SimulatedEngine("decode", "--record=0", "--token-delay-ms", "4")
    try:
        for sentence, check in checks(prefiller, decoder, options):
            report.run(sentence, check)
    finally:
        prefiller.close()
        decoder.close()
    raise SystemExit(report.close())


if __name__ == "__main__":
    main()
