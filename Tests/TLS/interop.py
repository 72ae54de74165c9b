"""TLS against other people's clients, and a look into the processes' memory.

    SIDECAR_BUILD=.build/release python3 Tests/TLS/interop.py [--memory-handshakes 1000]

Uses the probe (Tests/TLSProbe): the TLS library under the proxy's filter, and the signer as its own process. Needs
openssl, curl and, for the memory, root. Prints one line for each check; fails with the first that isn't so.
"""
import argparse
import concurrent.futures
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from memory import key_needles, occurrences
from pki import make_pki

BUILD = pathlib.Path(os.environ.get("SIDECAR_BUILD", ".build/release")).resolve()
TLS12 = {
    "ecdsa": ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"],
    "rsa": ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"],
}
TLS13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
WEAK = ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "DHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES128-CCM", "aNULL", "eNULL"]


def checked(words, condition, details=""):
    if not condition:
        sys.exit(f"NOT SO: {words}\n{details}")
    print(f"so: {words}", flush=True)


class Probe:
    """A server; `with` ends it."""

    def __init__(self, *options, walls=True):
        command = [str(BUILD / "TLSProbe"), "serve", "--signer", str(BUILD / "routing-sidecar-signer"), *options]
        self.process = subprocess.Popen(command + (["--walls"] if walls else []), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.verdicts = []
        while True:
            line = self.process.stdout.readline()
            if not line or line.startswith("FAILED"):
                sys.exit(f"the probe can't serve: {line}")
            if line.startswith("PORT"):
                break
            self.verdicts.append(line.split()[1:])
        words = line.split()
        self.port, self.pid, self.signer = int(words[1]), int(words[3]), int(words[5])

    def order(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        while (line := self.process.stdout.readline()).startswith("LOG"):
            pass
        return line.strip()

    def stats(self):
        words = self.order("stats").split()
        return {name: int(value) for name, value in zip(words[::2], words[1::2])}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)


def pair(pki, name):
    return ["--pair", str(pki / f"{name}.crt"), str(pki / f"{name}.key")]


def s_client(probe, pki, *options, text="GET / HTTP/1.1\r\n\r\n", name=True):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{probe.port}", "-CAfile", str(pki / "ca.crt"),
               "-verify_return_error", "-ign_eof", *(["-servername", "localhost"] if name else []), *options]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr


def renegotiate(probe, pki):
    """What s_client says of its attempt; it takes the order only from an input that stays open."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{probe.port}", "-CAfile", str(pki / "ca.crt"), "-tls1_2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as client:
        client.stdin.write("R\n")
        client.stdin.flush()
        try:
            return client.communicate(timeout=5)[0]
        except subprocess.TimeoutExpired:
            client.kill()
            return client.communicate()[0]


def python_context(pki, lowest=ssl.TLSVersion.TLSv1_2, highest=ssl.TLSVersion.TLSv1_3):
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.minimum_version, context.maximum_version = lowest, highest
    context.set_alpn_protocols(["http/1.1"])
    return context


def fetch(probe, context, path="/", session=None):
    """The answer, the session, whether it was resumed, and whether the end was clean."""
    with socket.create_connection(("127.0.0.1", probe.port), timeout=10) as raw:
        with context.wrap_socket(raw, server_hostname="localhost", session=session, suppress_ragged_eofs=False) as tls:
            tls.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
            answer, clean = b"", True
            try:
                while piece := tls.recv(65536):
                    answer += piece
            except ssl.SSLEOFError:
                clean = False
            return answer.decode(), tls.session, tls.session_reused, clean


def check_clients(pki):
    for kind, name in [("ecdsa", "p256"), ("rsa", "rsa")]:
        with Probe(*pair(pki, name)) as probe:
            for suite in TLS12[kind]:
                out = s_client(probe, pki, "-tls1_2", "-cipher", suite)
                checked(f"s_client speaks TLS 1.2 with {suite}", "version=771" in out and f"Cipher    : {suite}" in out, out)
            for suite in TLS13:
                out = s_client(probe, pki, "-tls1_3", "-ciphersuites", suite)
                checked(f"s_client speaks TLS 1.3 with {suite} ({kind})", f"suite={suite}" in out, out)
            for version in ["1.2", "1.3"]:
                out = subprocess.run(
                    ["curl", "-sSv", "--cacert", str(pki / "ca.crt"), f"--tlsv{version}", "--tls-max", version,
                     f"https://localhost:{probe.port}/"], capture_output=True, text=True, timeout=20)
                checked(f"curl speaks TLS {version} ({kind})", "ALPN: server accepted http/1.1" in out.stderr and "suite=" in out.stdout, out.stderr)
    for name in ["p384", "ed25519"]:
        with Probe(*pair(pki, name)) as probe:
            for version in ["-tls1_2", "-tls1_3"]:
                out = s_client(probe, pki, version)
                checked(f"a certificate with {name} serves {version[1:]}", "suite=TLS_" in out, out)


def check_python(pki):
    with Probe(*pair(pki, "p256")) as probe:
        for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
            context = python_context(pki, version, version)
            answer, session, reused, clean = fetch(probe, context)
            checked(f"Python's ssl speaks {version.name}", "resumed=false" in answer and clean and not reused, answer)
            answer, _, reused, _ = fetch(probe, context, session=session)
            checked(f"it comes back with its session ({version.name})", reused and "resumed=true" in answer, answer)
            answer, _, _, clean = fetch(probe, context, "/big")
            checked(f"a megabyte arrives whole ({version.name})", clean and answer.endswith("x" * (1 << 20)))
            _, _, _, clean = fetch(probe, context, "/cut")
            checked(f"an end without a goodbye is noticed ({version.name})", not clean)
        try:
            fetch(probe, ssl.create_default_context())
            checked("a client that doesn't know the authority goes away", False)
        except ssl.SSLCertVerificationError:
            checked("a client that doesn't know the authority goes away", True)
        checked("and the next one is served", "suite" in fetch(probe, python_context(pki))[0])


def check_refusals(pki):
    with Probe(*pair(pki, "p256")) as probe:
        for version in ["-tls1", "-tls1_1"]:
            out = s_client(probe, pki, version, "-cipher", "ALL:@SECLEVEL=0")
            checked(f"{version[1:]} is refused", "protocol version" in out or "Cipher is (NONE)" in out, out)
        for suite in WEAK:
            out = s_client(probe, pki, "-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0")
            checked(f"{suite} is refused", "handshake failure" in out and "version=" not in out, out)
        for algorithm in ["ECDSA+SHA1", "RSA+SHA1"]:
            out = s_client(probe, pki, "-tls1_2", "-sigalgs", algorithm, "-cipher", "ALL:@SECLEVEL=0")
            checked(f"{algorithm} is not signed with", "version=" not in out, out)
        out = s_client(probe, pki, "-tls1_2", "-comp")
        checked("nothing is compressed", "Compression: NONE" in out, out)
        out = renegotiate(probe, pki)
        checked("renegotiation is refused", "RENEGOTIATING" in out and "no renegotiation" in out, out)
        out = s_client(probe, pki, "-alpn", "h2")
        checked("a client of h2 alone is told that there is none", "no application protocol" in out, out)
        before = probe.stats()
        for text in [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 4000, os.urandom(4000), b"\x16\x03\x01\xff\xff" + b"a" * 4000]:
            with socket.create_connection(("127.0.0.1", probe.port), timeout=10) as raw:
                raw.sendall(text)
                raw.shutdown(socket.SHUT_WR)
                try:
                    while raw.recv(4096):
                        pass
                except ConnectionResetError:
                    pass
        after = probe.stats()
        checked("garbage ends nothing but its own connection", after["FAILURES"] - before["FAILURES"] == 4, str(after))
        checked("nothing is left open", after["OPEN"] == 0 and after["WAITING"] == 0, str(after))


def check_client_certificates(pki):
    uri = "spiffe://cluster.local/ns/llm/sa/gateway"
    for version in ["-tls1_2", "-tls1_3"]:
        with Probe(*pair(pki, "p256"), "--client-ca", str(pki / "ca.crt"), "--allow-uri", uri) as probe:
            shown = ["-cert", str(pki / "client.crt"), "-key", str(pki / "client.key")]
            out = s_client(probe, pki, version, *shown)
            checked(f"a client with the right name is served ({version[1:]})", "suite=" in out, out)
            out = s_client(probe, pki, version)
            checked(f"one without a certificate isn't ({version[1:]})", "suite=" not in out, out)
            out = s_client(probe, pki, version, "-cert", str(pki / "rsa.crt"), "-key", str(pki / "rsa.key"))
            checked(f"nor one with another name ({version[1:]})", "suite=" not in out, out)


def check_pairs(pki):
    with Probe(*pair(pki, "p256"), "--pair", str(pki / "p256.crt"), str(pki / "rsa.key"), *pair(pki, "expired"),
               *pair(pki, "rsa")) as probe:
        checked("a wrong key and an expired certificate are told", probe.verdicts == [["1", "mismatch"], ["2", "expired"]],
                str(probe.verdicts))
        context = python_context(pki)
        stop = time.monotonic() + 4
        failures = []

        def keep_calling():
            count = 0
            while time.monotonic() < stop:
                try:
                    count += "suite" in fetch(probe, context)[0]
                except OSError as error:
                    failures.append(error)
            return count

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            callers = [pool.submit(keep_calling) for _ in range(4)]
            swaps = 0
            while time.monotonic() < stop:
                checked_quietly = probe.order(f"rotate {3 if swaps % 2 == 0 else 0}")
                if checked_quietly != "ROTATED":
                    failures.append(checked_quietly)
                swaps += 1
                time.sleep(0.08)
            count = sum(caller.result() for caller in callers)
        checked(f"{swaps} changes of certificate disturb none of {count} calls", not failures, str(failures[:3]))
        probe.order("rotate 3")
        out = s_client(probe, pki)
        checked("a new connection sees the new certificate", "CN = rsa" in out, out)


def check_self_signed(pki, folder):
    path = folder / "self.crt"
    with Probe("--self-signed", str(path)) as probe:
        out = subprocess.run(["curl", "-sS", "--cacert", str(path), f"https://localhost:{probe.port}/"],
                             capture_output=True, text=True, timeout=20)
        checked("a certificate of our own serves whoever trusts it", "suite=" in out.stdout, out.stderr)
        checked("it holds no key", "PRIVATE" not in path.read_text())


def check_memory(pki, handshakes):
    if os.geteuid() != 0:
        print("NOT CHECKED: the processes' memory (that takes root)", flush=True)
        return
    for name in ["p256", "rsa"]:
        needles = key_needles(pki / f"{name}.key")
        with Probe(*pair(pki, name), "--no-tickets") as probe:
            command = [str(BUILD / "TLSProbe"), "load", "--port", str(probe.port), "--ca", str(pki / "ca.crt"),
                       "--count", str(handshakes)]
            load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            scans = 0
            while True:
                found, size = occurrences(probe.pid, needles)
                checked_words = f"no byte of the key is in the memory of the process that serves ({name})"
                if found:
                    checked(checked_words, False, str(found))
                scans += 1
                if load.poll() is not None:
                    break
            out = load.stdout.read()
            checked(f"{checked_words}: {scans} scans of {size >> 20} MiB in {handshakes} handshakes",
                    f"DONE {handshakes}" in out and scans > 0, out)
            found, _ = occurrences(probe.signer, needles)
            checked(f"they are in the signer's ({name}: {', '.join(sorted(found))})", bool(found))
            checked("no file of a key is open in either",
                    not any("key" in os.readlink(link) for pid in (probe.pid, probe.signer)
                            for link in pathlib.Path(f"/proc/{pid}/fd").iterdir()))
            for who, pid in [("the server", probe.pid), ("the signer", probe.signer)]:
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                checked(f"{who} lives behind its filter", "Seccomp:\t2" in status)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--memory-handshakes", type=int, default=1000)
    arguments = options.parse_args()
    for tool in ["openssl", "curl"]:
        if not shutil.which(tool):
            sys.exit(f"NOT CHECKED: {tool} is missing")
    os.environ["OPENSSL_CONF"] = "/dev/null"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        pki = make_pki(folder)
        check_clients(pki)
        check_python(pki)
        check_refusals(pki)
        check_client_certificates(pki)
        check_pairs(pki)
        check_self_signed(pki, folder)
        check_memory(pki, arguments.memory_handshakes)
    print("all is so")


if __name__ == "__main__":
    main()
