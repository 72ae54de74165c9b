"""Certificates swapped again and again under streams: none is lost, and new connections see the new certificate at once."""

import socket
import ssl
import statistics
import time

import pki as maker
from house_over_tls import HouseOverTLS
from load import assert_clean, begin, engine, result

STREAM_INTERVAL_MS = 200


def serial_of(path):
    return maker.openssl(path.parent, "x509", "-in", path.name, "-noout", "-serial").strip()[7:]


def shown(port, context):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        with context.wrap_socket(raw, server_hostname="localhost") as tls:
            return tls.getpeercert()["serialNumber"]


def check(pki, swaps, seconds, streams, most_seconds):
    """`most_seconds` is the longest that a new connection may see the old certificate."""
    for turn in (0, 1):
        maker.leaf(pki, f"turn{turn}", "p256" if turn else "rsa", maker.NAMES)
    serials = [serial_of(pki / f"turn{turn}.crt") for turn in (0, 1)]
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    chunks = int((seconds + 3) * 1000 / STREAM_INTERVAL_MS)
    delays, connections = [], 0
    with engine(chunks, STREAM_INTERVAL_MS) as port, HouseOverTLS(port, pki, "p256") as house:
        running = begin("streams", house.port, "--parallel", streams, "--chunks", chunks, "--seconds", seconds + 60)
        time.sleep(1)
        begun = time.monotonic()
        for turn in range(swaps):
            time.sleep(max(0, begun + turn * seconds / swaps - time.monotonic()))
            swapped = time.monotonic()
            house.swap(f"turn{turn % 2}")
            while shown(house.port, context) != serials[turn % 2]:
                connections += 1
                waited = time.monotonic() - swapped
                assert waited < most_seconds, f"swap {turn}: the old certificate is still shown after {waited:.2f} s"
                time.sleep(0.005)
            delays.append(time.monotonic() - swapped)
            connections += 1
        house.swap("turn0", key="turn1")
        deadline = time.monotonic() + 10
        while not house.tls_metric("sidecar_certificate_reloads_total", result="refused"):
            assert time.monotonic() < deadline, "a broken pair was not refused"
            time.sleep(0.05)
        taken = house.tls_metric("sidecar_certificate_reloads_total", result="taken")
        assert shown(house.port, context) == serials[(swaps - 1) % 2], "the old certificate was lost to a broken pair"
        told = result(running)
        assert_clean(told)
        assert told["done"] == streams and told["events"] == streams * chunks, told
        assert taken == swaps, f"{swaps} swaps, {taken} taken"
        assert house.tls_metric("sidecar_tls_handshake_failures_total", side="client") == 0
        assert connections and len(delays) == swaps
        return (f"{swaps} swaps in {seconds} s, {told['events']} events of {streams} streams in order, {connections} "
                f"connections meanwhile; seen after {statistics.median(delays) * 1000:.0f} ms, at worst "
                f"after {max(delays) * 1000:.0f} ms")
