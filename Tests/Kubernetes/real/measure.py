"""The promises of the pool's protection, measured against a real kube-apiserver.

    K8S_TOOLS=DIRECTORY SIDECAR_BUILD=DIRECTORY python3 Tests/Kubernetes/real/measure.py --changes 500

K8S_TOOLS names a directory with up.sh, ctl.sh and down.sh. Without it nothing is checked, which is said, and the exit
code is 0. K8S_RUN, K8S_PORT and ETCD_PORT choose where the server runs; else a new directory and free ports.
"""

import argparse
import os
import pathlib
import sys
import time
import traceback

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1] / "Scenarios")]

import enforcement  # noqa: E402
import outages  # noqa: E402
import scale  # noqa: E402
import walls  # noqa: E402
from report import Report  # noqa: E402
from server import RealServer  # noqa: E402
from support.sidecar import EXECUTABLE  # noqa: E402

PARTS = {
    "walls": "the token's place, libcurl's place, permissions",
    "enforcement": "event to enforcement, wrong allows",
    "outages": "server killed, paused, restarted, store compacted, token expired, permission taken away",
    "scale": "10,000 pods: first list, memory, one change, 200 changes a second",
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=500)
    parser.add_argument("--permissions", type=int, default=3, help="how often permission is taken away and given back")
    parser.add_argument("--pods", type=int, default=10000)
    parser.add_argument("--storm-seconds", type=int, default=60)
    parser.add_argument("--storm-rate", type=int, default=200)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    return parser.parse_args()


def main():
    options = arguments()
    report = Report()
    tools = os.environ.get("K8S_TOOLS")
    why = None if tools else "K8S_TOOLS names no directory with up.sh, ctl.sh and down.sh"
    if tools and not all((pathlib.Path(tools) / name).exists() for name in ("up.sh", "ctl.sh", "down.sh")):
        why = f"up.sh, ctl.sh or down.sh is not in {tools}"
    if why:
        for part in options.only:
            report.skip(f"real API server: {PARTS[part]}", why)
        print("*** NOT CHECKED: nothing of this was tried against a real API server ***")
        return 0
    if not EXECUTABLE.exists():
        print(f"{EXECUTABLE} is not there: run `swift build -c release`, or set SIDECAR_BUILD")
        return 1
    begun = time.monotonic()
    server = RealServer(tools)
    run = {
        "walls": lambda: walls.measure(server, report),
        "enforcement": lambda: enforcement.measure(server, report, options.changes),
        "outages": lambda: outages.measure(server, report, options.permissions),
        "scale": lambda: scale.measure(server, report, options.pods, options.storm_seconds, options.storm_rate),
    }
    try:
        for part in options.only:
            server.up()
            try:
                run[part]()
            except Exception as failure:
                traceback.print_exc()
                report.failed(part, failure)
    finally:
        server.down()
    print(f"\n{time.monotonic() - begun:.0f} s\n")
    report.table()
    print(f"\n{len(report.missed)} missed")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
