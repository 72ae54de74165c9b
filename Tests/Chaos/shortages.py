"""What the system may refuse: descriptors, processes, room for logs."""

import fcntl
import os
import resource
import signal
import socket
import tempfile
import time

from house import STATUS, House, copy_of_build, wait_for
from report import NotChecked
from traffic import Traffic

# Nobody's number: its limit counts our processes alone.
UNPRIVILEGED = 54_321
NAMED_CODES = (64, 69, 70, 71, 72)


def served(house, prefiller, decoder, seconds=1.0):
    with Traffic(house, prefiller, decoder) as traffic:
        time.sleep(seconds)
    assert not traffic.troubles, traffic.troubles[:3]
    assert traffic.count("stream") and traffic.count("small"), traffic.counts


def full_disk(prefiller, decoder):
    with open("/dev/full", "wb") as full:
        with House(decoder.port, stderr=full, log_requests=True) as house:
            served(house, prefiller, decoder)
            old = house.pids()["proxy"]
            os.kill(old, signal.SIGKILL)
            house.wait_new("proxy", old)
            house.works()
            dropped = house.metrics()["sidecar_log_lines_dropped_total"]
            assert dropped > 0, "no line was counted as dropped"
            return f"{dropped:.0f} lines dropped"


def full_pipe(prefiller, decoder):
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
        try:
            while True:
                os.write(writing, b"x" * 4096)
        except BlockingIOError:
            pass
        # The sidecar gets a blocking pipe, as from a container runtime: not to block is its own business.
        fcntl.fcntl(writing, fcntl.F_SETFL, 0)
        with House(decoder.port, stderr=writing, log_requests=True) as house:
            served(house, prefiller, decoder)
            old = house.pids()["dialer"]
            os.kill(old, signal.SIGKILL)
            house.wait_new("dialer", old)
            served(house, prefiller, decoder)
            assert house.metrics()["sidecar_log_lines_dropped_total"] > 0
            # Once somebody reads again, lines come again.
            fcntl.fcntl(reading, fcntl.F_SETFL, os.O_NONBLOCK)
            drain(reading)
            house.process.send_signal(signal.SIGHUP)
            wait_for(lambda: b"asked to reload" in drain(reading), "log lines after the pipe was read")
    finally:
        os.close(reading)
        os.close(writing)


def drain(reading):
    data = b""
    try:
        while piece := os.read(reading, 65536):
            data += piece
    except BlockingIOError:
        pass
    return data


def broken_pipe(prefiller, decoder):
    reading, writing = os.pipe()
    with House(decoder.port, stderr=writing, log_requests=True) as house:
        os.close(reading)
        os.close(writing)
        served(house, prefiller, decoder)
        old = house.pids()["proxy"]
        os.kill(old, signal.SIGKILL)
        house.wait_new("proxy", old)
        house.works()


def few_descriptors(decoder):
    """Forty descriptors, hard limit: it serves, or ends with a named code and says what was lacking."""

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

    with House(decoder.port, ready=False, preexec=limit) as house:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and house.process.poll() is None:
            try:
                if house.status()["ready"]:
                    break
            except (OSError, ValueError):
                pass
            time.sleep(0.02)
        code = house.process.poll()
        if code is None:
            house.works()
            return "it serves"
        house.reader.join(3)
        assert code in NAMED_CODES, f"exit {code}"
        text = house.log_text()
        assert "escriptor" in text or "Too many open files" in text, f"exit {code} without the reason:\n{text[-1500:]}"
        return f"exit {code}"


def no_descriptors(decoder):
    """The supervisor's limit falls to what it has open; then its proxy dies."""
    with House(decoder.port) as house:
        house.works()
        before = house.pids()
        old_limit = resource.prlimit(house.pid, resource.RLIMIT_NOFILE)
        used = max(int(fd) for fd in os.listdir(f"/proc/{house.pid}/fd")) + 1
        resource.prlimit(house.pid, resource.RLIMIT_NOFILE, (min(used, 3), old_limit[1]))
        os.kill(before["proxy"], signal.SIGKILL)
        wait_for(lambda: house.logged("proxy can't be started at the moment"), "the lack reported")
        time.sleep(2)
        assert house.process.poll() is None, f"exit {house.process.returncode}"
        tries = len(house.logged("proxy can't be started at the moment"))
        assert 2 <= tries <= 60, f"{tries} tries in 2 s"
        resource.prlimit(house.pid, resource.RLIMIT_NOFILE, old_limit)
        house.wait_new("proxy", before["proxy"])
        house.wait_ready()
        house.works()
        after = house.pids()
        assert (after["dialer"], after["admin"]) == (before["dialer"], before["admin"])
        return f"{tries} tries meanwhile"


def become():
    os.setgroups([])
    os.setgid(UNPRIVILEGED)
    os.setuid(UNPRIVILEGED)


def set_limit_as_owner(pid, kind, limit):
    """From a process of the same user: root in a container may lack the right to do it to others."""
    child = os.fork()
    if child == 0:
        try:
            become()
            resource.prlimit(pid, kind, limit)
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise NotChecked("the limit of another process can't be set here")


def no_descriptors_and_a_client(decoder):
    """A control client that can't be accepted for lack of descriptors waits; the supervisor does not spin over it."""
    with House(decoder.port) as house:
        old_limit = resource.prlimit(house.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(house.pid, resource.RLIMIT_NOFILE, (3, old_limit[1]))
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.connect(house.control)
            client.send(STATUS)
            before = processor_seconds(house.pid)
            time.sleep(3)
            used = processor_seconds(house.pid) - before
            resource.prlimit(house.pid, resource.RLIMIT_NOFILE, old_limit)
            client.settimeout(8)
            answered = client.recv(65536)
        assert used < 1, f"{used:.2f} s of processor time in 3 s of waiting"
        assert answered, "the client was not answered later"
        return f"{used:.2f} s of processor time in 3 s"


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def no_processes(decoder):
    """fork fails with EAGAIN: as another user, because the limit does not bind root."""
    if os.getuid() != 0:
        raise NotChecked("needs root, to become a user of its own")

    with tempfile.TemporaryDirectory(prefix="chaosbuild") as directory:
        os.chmod(directory, 0o755)
        copy_of_build(directory)
        with House(decoder.port, build=directory, preexec=become) as house:
            house.works()
            before = house.pids()
            old_limit = resource.getrlimit(resource.RLIMIT_NPROC)
            set_limit_as_owner(house.pid, resource.RLIMIT_NPROC, (1, old_limit[1]))
            os.kill(before["proxy"], signal.SIGKILL)
            wait_for(lambda: house.logged("proxy can't be started at the moment"), "the lack reported")
            time.sleep(2)
            assert house.process.poll() is None, f"exit {house.process.returncode}"
            tries = len(house.logged("proxy can't be started at the moment"))
            set_limit_as_owner(house.pid, resource.RLIMIT_NPROC, old_limit)
            house.wait_new("proxy", before["proxy"])
            house.wait_ready()
            house.works()
            return f"{tries} tries meanwhile"
