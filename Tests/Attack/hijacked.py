"""A sidecar whose proxy was taken over, and what the attacker then holds: channels to the dialer and the supervisor."""

import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Chaos"))

from house import BUILD, House, open_descriptors, wait_for  # noqa: E402

STAND_IN = pathlib.Path(__file__).resolve().with_name("stand_in.py")
LOOPS = 64  # each has a channel to the dialer, and a channel is good for one broken frame
SEGMENT, DIALER, LISTENER, ALLOWLIST = 2, 3, 5, 15


class Loot:
    """What one taken-over proxy was given."""

    def __init__(self, connection, house):
        self.connection, self.house = connection, house
        packet, descriptors, _, _ = socket.recv_fds(connection, 4096, 4)
        self.pid = struct.unpack("<I", packet)[0]
        self.control = socket.socket(fileno=descriptors[0])
        self.dialer_channels = []
        self.segment = self.allowlist = None

    def take(self):
        """Takes in what has come; False when the stand-in is gone."""
        while select.select([self.connection], [], [], 0)[0]:
            packet, descriptors, _, _ = socket.recv_fds(self.connection, 65536, 4)
            if not packet:
                return False
            if packet[1] == DIALER:
                self.dialer_channels.append(socket.socket(fileno=descriptors[0]))
            elif packet[1] == SEGMENT:
                self.segment = descriptors[0]
            elif packet[1] == ALLOWLIST:
                self.drop_allowlist()
                self.allowlist = descriptors[0]
            else:
                for descriptor in descriptors:
                    os.close(descriptor)
        return True

    def channel(self):
        """A channel to the dialer that nobody has used yet."""
        self.take()
        return self.dialer_channels.pop()

    def drop_allowlist(self):
        if self.allowlist is not None:
            os.close(self.allowlist)
            self.allowlist = None

    def close(self):
        for channel in [*self.dialer_channels, self.control, self.connection]:
            channel.close()
        self.drop_allowlist()
        if self.segment is not None:
            os.close(self.segment)


class HijackedHouse:
    """A sidecar, all of it real but for the proxy. It has no walls: what keeps the attack from its goal must be what
    the dialer knows, and not what the attacker can't call."""

    def __init__(self, decoder_port, port, admin_port, environment=(), **flags):
        self.build = pathlib.Path(tempfile.mkdtemp(prefix="attack"))
        os.chmod(self.build, 0o755)
        self.scrapes = 0
        self.loot = self.house = None
        for program in BUILD.glob("routing-sidecar*"):
            if program.is_file() and os.access(program, os.X_OK) and program.name != "routing-sidecar-demo":
                shutil.copy2(program, self.build / program.name)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(self.build / "attack"))
        self.listener.listen(16)
        self.listener.settimeout(20)
        proxy = self.build / "routing-sidecar-proxy"
        os.rename(proxy, self.build / "real-proxy")
        proxy.write_text(
            f'#!/bin/sh\n[ "$1" = proxy ] && [ ! -e {self.build}/let-go ] &&'
            f' exec {sys.executable} -ISB {STAND_IN} {self.build}/attack\nexec {self.build}/real-proxy "$@"\n')
        os.chmod(proxy, 0o755)
        try:
            wrapper = ["env", *(f"{name}={value}" for name, value in environment)] if environment else []
            self.house = House(
                decoder_port, build=self.build, ready=False, wrapper=wrapper, loops=LOOPS, port=port,
                admin_port=admin_port, sandbox="off", require_sandbox="off", **flags)
            self.house.port, self.house.admin_port = port, admin_port
            self.receive_loot()
            # A proxy of the attacker's never says which snapshot it goes by, so the sidecar as a whole is never ready.
            wait_for(self.parts_are_ready, "every process ready under attack", timeout=20)
        except BaseException as failure:
            log = self.house.log_text()[-2000:] if self.house else ""
            self.close()
            raise AssertionError(f"{failure!r}; the sidecar said:\n{log}") from failure

    def parts_are_ready(self):
        status = self.status()
        rows = status["components"]
        protected = status.get("allowlist", {}).get("source", "none") != "none"
        if not rows or not all(row["ready"] for row in rows):
            return False
        if not protected:
            return True
        if status["allowlist"]["generation"] == 0:
            return False
        # The dialer was given it before it could say that it is ready; taking it over takes no time to speak of.
        time.sleep(0.3)
        return True

    def receive_loot(self):
        """The next stand-in's belongings."""
        if self.loot:
            self.loot.close()
            self.loot = None
        self.loot = Loot(self.listener.accept()[0], self.house)
        wait_for(lambda: self.loot.take() and len(self.loot.dialer_channels) == LOOPS, "the dialer's channels", 20)

    def next_proxy(self):
        """A restarted proxy is taken over at once, and has new channels."""
        self.house.process.send_signal(signal.SIGUSR2)
        self.receive_loot()
        wait_for(lambda: self.proxy()["pid"] == self.loot.pid and self.proxy()["ready"], "the next stand-in", 20)

    def channel(self):
        if not self.loot.take() or not self.loot.dialer_channels:
            self.next_proxy()
        return self.loot.channel()

    def let_go(self):
        """The attack is over: the next proxy is a real one."""
        (self.build / "let-go").touch()
        old = self.loot.pid
        self.house.process.send_signal(signal.SIGUSR2)
        try:
            wait_for(lambda: self.proxy()["pid"] not in (0, old) and self.proxy()["ready"], "a real proxy", 20)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; the sidecar said:\n{self.house.log_text()[-2000:]}") from None

    def status(self):
        assert self.house.process.poll() is None, f"the supervisor ended with {self.house.process.returncode}"
        try:
            return self.house.status()
        except OSError:
            return {"ready": False, "components": []}

    def row(self, name):
        return next((row for row in self.status()["components"] if row["name"] == name), {"pid": 0, "ready": False})

    def proxy(self):
        return self.row("proxy")

    def dialer_pid(self):
        return self.row("dialer")["pid"]

    def dialer_memory(self):
        """Resident bytes of the dialer."""
        with open(f"/proc/{self.dialer_pid()}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def dialer_descriptors(self):
        """Descriptors of the dialer, without the channels that wait here for their use."""
        return open_descriptors(self.dialer_pid()) - len(self.loot.dialer_channels)

    def metrics(self):
        self.scrapes += 1
        return self.house.metrics()

    def close(self):
        try:
            if self.house:
                self.house.__exit__(sys.exc_info()[0])
        finally:
            if self.loot:
                self.loot.close()
            self.listener.close()
            shutil.rmtree(self.build, ignore_errors=True)


def settle(condition, seconds=5):
    """True as soon as it holds; False when it doesn't within that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
