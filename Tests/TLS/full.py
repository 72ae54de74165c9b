"""TLS of the real sidecar at full size: memory, rotation, endurance, cost.

    SIDECAR_BUILD=.build/release python3 Tests/TLS/full.py [--short] [memory] [rotation] [handshakes] [cost]

Needs nginx, openssl, a C compiler and libssl-dev, and for the memory root. One line for each check, with its numbers.
`--short` is the same in a minute, without the costs: those want a machine to themselves.
"""

import argparse
import os
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True

import check_cost  # noqa: E402
import check_handshakes  # noqa: E402
import check_memory  # noqa: E402
import check_rotation  # noqa: E402
from house_over_tls import Report  # noqa: E402
from pki import make_pki  # noqa: E402

KINDS = {"p256": "ECDSA P-256", "rsa": "RSA 2048"}


def memory(report, pki, short):
    for kind, name in KINDS.items():
        report.run(f"no process but the signer holds a byte of the private key, {name}",
                   lambda: check_memory.check(kind, pki, 200 if short else 1000))


def rotation(report, pki, short):
    amount = {"swaps": 8, "seconds": 8, "streams": 50, "most_seconds": 5} if short else {
        "swaps": 50, "seconds": 60, "streams": 200, "most_seconds": 1}
    report.run("certificates are swapped under streams and nothing is lost", lambda: check_rotation.check(pki, **amount))


def handshakes(report, pki, short):
    report.run("many handshakes leave nothing behind", lambda: check_handshakes.check(pki, 8000 if short else 100_000))


def cost(report, pki, short):
    if short:
        return
    for kind, name in KINDS.items():
        for what, limit, amount in (("request", 1.0, 4), ("event", 1.0, 0), ("handshake", 1.25, 4000)):
            report.run(f"TLS costs at most {limit} × nginx for each {what}, {name}",
                       lambda: check_cost.check(pki, kind, what, limit, rounds=5, amount=amount))
        for what, limit, amount in (("request", 1.0, 4), ("event", 1.1, 0)):
            report.run(f"TLS on both sides costs at most {limit} × nginx for each {what}, {name}",
                       lambda: check_cost.check(pki, kind, what, limit, rounds=5, amount=amount, to_the_engine=True))
        report.run(f"the way to the signer costs at most 60 µs of a handshake, {name}",
                   lambda: check_cost.in_process(pki, kind, 60, rounds=5, amount=4000))


CHECKS = {"memory": memory, "rotation": rotation, "handshakes": handshakes, "cost": cost}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--short", action="store_true")
    options.add_argument("checks", nargs="*", help=", ".join(CHECKS))
    arguments = options.parse_args()
    unknown = [name for name in arguments.checks if name not in CHECKS]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    os.environ["OPENSSL_CONF"] = "/dev/null"
    report = Report("tls")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        pki = make_pki(pathlib.Path(folder))
        for name in arguments.checks or CHECKS:
            CHECKS[name](report, pki, arguments.short)
    raise SystemExit(report.close())


if __name__ == "__main__":
    main()
