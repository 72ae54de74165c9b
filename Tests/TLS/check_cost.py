"""What TLS costs, beside nginx on the same suite and key: processor time of the whole process tree, in one run."""

import contextlib
import os
import statistics
import subprocess
import sys

from house_over_tls import HouseOverTLS
from load import engine, load, processor_time, tree
from nginx import Nginx

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "Scenarios"))

from support.engine import free_port  # noqa: E402
from support.sidecar import BUILD  # noqa: E402

SUITE = ("--suite", "TLS_AES_128_GCM_SHA256")
STREAMS, INTERVAL_MS = 200, 10


@contextlib.contextmanager
def sidecar(pki, kind, port, to_the_engine):
    flags = {"decoder_use_tls": True, "ca_cert_path": pki / "ca.crt"} if to_the_engine else {}
    with HouseOverTLS(port, pki, kind, connect_timeout=None, prefill_timeout=None, **flags) as house:
        yield house.port, house.pid


@contextlib.contextmanager
def nginx(pki, kind, port, to_the_engine):
    more = f"proxy_ssl_verify on; proxy_ssl_trusted_certificate {pki / 'ca.crt'}; proxy_ssl_name localhost;"
    server = Nginx((pki / f"{kind}.crt", pki / f"{kind}.key"), port, free_port(), more=more if to_the_engine else "",
                   scheme="https" if to_the_engine else "http")
    try:
        yield server.port, server.pid
    finally:
        server.close()


@contextlib.contextmanager
def far_end(pki, kind, chunks, over_tls):
    """The engine's port; over TLS there is a door of nginx before it."""
    with engine(chunks, INTERVAL_MS) as port:
        if not over_tls:
            yield port
            return
        with nginx(pki, kind, port, False) as (door, _):
            yield door


def spent(pid, work):
    """(seconds on a processor, what the load generator told)."""
    pids = tree(pid)
    before = processor_time(pids)
    told = work()
    return processor_time(pids) - before, told


def measure(pki, kind, port, what, amount, chunks, to_the_engine):
    """µs per unit for (sidecar, nginx): one after the other, both warm."""
    figures = []
    for peer in (sidecar, nginx):
        with peer(pki, kind, port, to_the_engine) as (serving, pid):
            load("handshakes", serving, "--count", 200, *SUITE)
            load("requests", serving, "--seconds", 0.3, *SUITE)
            if what == "handshake":
                cost, told = spent(pid, lambda: load("handshakes", serving, "--count", amount, "--parallel", 16, *SUITE))
                assert told["full"] == amount
                units = told["full"]
            elif what == "request":
                cost, told = spent(pid, lambda: load("requests", serving, "--seconds", amount, "--parallel", 64, *SUITE))
                units = told["done"]
            else:
                cost, told = spent(pid, lambda: load("streams", serving, "--parallel", STREAMS, "--chunks", chunks, *SUITE))
                units = told["events"]
                assert units == STREAMS * chunks, told
        figures.append(cost / units * 1e6)
    return figures


def check(pki, kind, what, limit, rounds, amount, chunks=200, to_the_engine=False):
    """`amount`: handshakes, or seconds of requests. `to_the_engine`: that side speaks TLS as well."""
    with far_end(pki, kind, chunks, to_the_engine) as port:
        pairs = [measure(pki, kind, port, what, amount, chunks, to_the_engine) for _ in range(rounds)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs))
    ratio = statistics.median(own / other for own, other in pairs)
    words = (f"{ours:.1f} µs against nginx's {theirs:.1f} µs per {what}, ratio {ratio:.2f} at most {limit}; rounds "
             + " ".join(f"{own:.1f}/{other:.1f}" for own, other in pairs))
    assert ratio <= limit, words
    return words


def in_process(pki, kind, limit, rounds, amount):
    """What the signer's way costs over a key in the serving process: the same server, once so and once so."""
    rows = {True: [], False: []}
    for _ in range(rounds):
        for local in rows:
            command = [str(BUILD / "TLSProbe"), "serve", "--signer", str(BUILD / "routing-sidecar-signer"), "--pair",
                       str(pki / f"{kind}.crt"), str(pki / f"{kind}.key"), *(["--local"] if local else [])]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as probe:
                line = probe.stdout.readline().split()
                assert line and line[0] == "PORT", line
                port, pids = int(line[1]), [int(line[3]), int(line[5])]
                load("handshakes", port, "--count", 200, *SUITE)
                before = processor_time(pids)
                load("handshakes", port, "--count", amount, "--parallel", 16, *SUITE)
                rows[local].append((processor_time(pids) - before) / amount * 1e6)
                probe.stdin.close()
                probe.stdout.close()
    here, there = statistics.median(rows[True]), statistics.median(rows[False])
    words = (f"{there:.1f} µs with the key in the signer, {here:.1f} µs with it in the serving process: "
             f"{there - here:+.1f} µs")
    assert there - here <= limit, words
    return words
