"""What stands around the attack: members, the decoder, canaries, the sidecar; and what must be true at the end."""

import mmap
import signal
import tempfile
import time

import frames
from hijacked import HijackedHouse, settle
from line import COUNTED, Ledger, Line, Question
from listeners import Full, Listeners
from name_server import NAME_SERVER, hosts_file
from report import NotChecked
from spellings import OUTSIDE, PORTS, Targets
from support import own_machine
from support.client import ask
from support.engine import free_port

OWN_ADDRESSES = ["10.9.8.7", "fd42::7"]
API_SERVER = "10.96.0.1"


def isolate():
    own_machine.enter(
        addresses=OWN_ADDRESSES, resolv_conf=f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:2\n",
        hosts=hosts_file())


class Stage:
    def __init__(self, isolated, seed):
        self.isolated, self.seed = isolated, seed
        self.ledger = Ledger()
        self.listeners = Listeners()
        self.house = None
        self.explained = 0  # connections that were begun and not accepted, for a reason that a check knows

    def start(self):
        self.decoder_port = free_port()
        first, second, third, full = (free_port() for _ in range(4))
        self.listeners.listen("decoder", "127.0.0.1", self.decoder_port)
        self.endpoints = {"decoder": frames.endpoint("127.0.0.1", self.decoder_port)}
        for host, port in (("127.0.0.2", first), ("127.0.0.3", second), ("::1", third)):
            self.listeners.listen(f"member {host}", host, port)
            self.endpoints[f"member {host}"] = frames.endpoint(host, port)
        self.full = frames.endpoint("127.0.0.5", full)
        self.endpoints["member 127.0.0.5"] = self.full
        self.members = [self.endpoints[name] for name in self.endpoints if name != "decoder"]
        self.canary_port = first
        self.place_canaries([first, second, third, full, self.decoder_port])
        self.port, self.admin_port = free_port(), free_port()
        self.targets = Targets(
            self.members, [self.port, self.admin_port], OWN_ADDRESSES, API_SERVER, self.isolated, self.seed)
        # What may never be dialled stands in the allowlist too: nothing is gained by it.
        poison = [f"127.0.0.1:{self.port}", f"127.0.0.1:{self.admin_port}", f"[::1]:{self.admin_port}"]
        if self.isolated:
            poison += [
                "169.254.169.254:80", "[fe80::1]:80", "[64:ff9b::a9fe:a9fe]:80", "[2002:a9fe:a9fe::]:80", "0.0.0.0:80",
                "224.0.0.1:80", "100.100.100.200:80", "10.9.8.7:8000", "[fd42::7]:8000", f"{API_SERVER}:443"]
        self.poison = poison
        self.file = tempfile.NamedTemporaryFile("w", prefix="allow")
        self.allow(self.members)
        self.house = self.sidecar(
            enable_ssrf_protection=True, allow_file=self.file.name, handoff_host_check="off",
            resolve_names=self.isolated or None)
        self.dialer = self.house.dialer_pid()
        self.descriptors = self.house.dialer_descriptors()
        self.begun = time.monotonic()

    def allow(self, members):
        """Writes the allowlist; a sidecar that runs reads it on HUP."""
        self.file.seek(0)
        self.file.truncate()
        self.file.write("\n".join([*(frames.written(member) for member in members), *self.poison, ""]))
        self.file.flush()
        if self.house:
            self.house.house.process.send_signal(signal.SIGHUP)

    def sidecar(self, **flags):
        return HijackedHouse(
            self.decoder_port, self.port, self.admin_port, decoder_host="127.0.0.1",
            environment=[("KUBERNETES_SERVICE_HOST", API_SERVER), ("KUBERNETES_SERVICE_PORT", "443")], **flags)

    def place_canaries(self, member_ports):
        """On a machine of our own they sit on every address, one for each port that is asked for often."""
        if self.isolated:
            for port in {*PORTS, *member_ports}:
                for host in ("0.0.0.0", "::"):
                    self.listeners.listen(f"canary {host} {port}", host, port)
            return
        for host in ("127.0.0.1", "127.0.0.4", "127.0.0.7", "127.1.0.0"):
            self.listeners.listen(f"canary {host}", host, self.canary_port)
        for port in (self.canary_port - 1, self.canary_port + 1):
            self.listeners.listen(f"canary {port}", "127.0.0.2", port)

    def line(self):
        return Line(self.house.channel(), self.ledger, self.endpoints)

    def member(self, line, kind="a member"):
        """Asks for what is allowed: it must work at any time, or the rest says nothing."""
        name = self.targets.random.choice([name for name in self.endpoints if name.startswith("member")][:3])
        line.dial(self.endpoints[name], Question(kind, greetings=[name], target=self.endpoints[name]))

    def still_works(self):
        line = self.line()
        self.member(line)
        line.finish()
        line.close()

    def fill(self):
        """Whoever dials this member waits."""
        return Full("127.0.0.5", self.full[1])


    def unaccepted(self):
        """Connections begun on this machine that nobody accepted, but for our own to the admin port."""
        return own_machine.connects() - self.listeners.total() - self.house.scrapes - self.explained

    # ---- what must be true at the end

    def no_canary(self):
        reached = self.listeners.canaries()
        assert not reached, f"reached: {reached}"
        self.clean()

    def every_connect_is_known(self):
        if not self.isolated:
            raise NotChecked("needs root, for a machine that nobody else uses")
        assert settle(lambda: self.unaccepted() == 0), f"{self.unaccepted()} connections went to nobody we know"
        return f"{own_machine.connects():,} connections, all of them known"

    def same_dialer(self):
        self.same()
        settle(lambda: self.house.dialer_descriptors() <= self.descriptors + 4)
        now = self.house.dialer_descriptors()
        assert now <= self.descriptors + 4, f"{self.descriptors} descriptors became {now}"
        return f"pid {self.dialer}, {now} descriptors, {self.house.dialer_memory() >> 20} MiB"

    def same(self):
        pid = self.house.dialer_pid()
        assert pid == self.dialer, f"dialer {self.dialer} became {pid}:\n{self.house.house.log_text()[-1500:]}"

    def clean(self):
        """No answer so far was a wrong one; a check that ends here reports those that came during it."""
        self.same()
        faults, count = self.ledger.faults, self.ledger.fault_count
        self.ledger.faults, self.ledger.fault_count = [], 0
        assert not count, f"{count} faults:\n" + "\n".join(faults)

    def all_counted(self):
        self.compare(self.house.metrics())
        lines = len(self.house.house.logged("a prefill target was refused"))
        minutes = int((time.monotonic() - self.begun) / 60) + 1
        assert 1 <= lines <= 10 * (minutes + 1), f"{lines} log lines in {minutes} minutes"
        return f"{sum(self.ledger.refused.values()):,} refusals, {lines} log lines"

    def counted(self, reason):
        """How many refusals for this reason the dialer has counted."""
        return int(self.house.metrics()[f'sidecar_dialer_refusals_total{{reason="{COUNTED[reason]}"}}'])

    def compare(self, metrics):
        for reason in ("forbidden_address", "not_in_pool", "port_not_allowed", "no_allowlist"):
            counted = metrics[f'sidecar_dialer_refusals_total{{reason="{reason}"}}']
            asked = self.ledger.refused[reason]
            assert counted == asked, f"{reason}: {asked:,} were refused, {counted:,.0f} are counted"
        counted = metrics["sidecar_dialer_violations_total"]
        assert counted == self.ledger.violations, f"{self.ledger.violations} violations, {counted:.0f} are counted"

    def counters_hold(self):
        """A segment that holds only what an attacker wants to be read, while its process lives and once it is gone."""
        for fill in (b"\xff", b"\x7f"):
            with mmap.mmap(self.house.loot.segment, 0) as segment:
                segment[64:] = fill * (len(segment) - 64)
            self.compare(self.house.metrics())
            with mmap.mmap(self.house.loot.segment, 0) as segment:
                segment[:] = fill * len(segment)
            self.compare(self.house.metrics())
            self.house.next_proxy()
            self.compare(self.house.metrics())

    def serves_again(self):
        self.listeners.speak_http()
        self.house.let_go()
        self.house.house.works()

        def status(target):
            headers = [("x-prefiller-host-port", target)]
            answer = ask(self.port, "POST", "/v1/chat/completions", headers, b'{"model":"m","messages":[]}')
            return answer.status, "" if answer.status == 200 else answer.json()["error"]["type"]

        for name, member in self.endpoints.items():
            if name.startswith("member") and member != self.full:
                assert status(frames.written(member)) == (200, ""), (name, status(frames.written(member)))
        outside = status(f"127.0.0.4:{self.canary_port}")
        assert outside == (403, "prefill_target_not_allowed"), outside
        if self.isolated:
            never = status("169.254.169.254:80")
            assert never == (403, "prefill_target_forbidden"), never
        self.no_canary()
        self.same()

    def close(self):
        try:
            if self.house:
                self.house.close()
        finally:
            self.listeners.close()


def control(stage):
    """The same question to a sidecar without protection: if its answer were not seen, the rest would mean nothing."""
    ledger = Ledger()
    port, admin_port = free_port(), free_port()
    house = HijackedHouse(stage.decoder_port, port, admin_port, decoder_host="127.0.0.1")
    try:
        line = Line(house.channel(), ledger, stage.endpoints)
        host = "203.0.113.9" if stage.isolated else "127.0.0.4"
        target = frames.endpoint(host, stage.canary_port)
        line.dial(target, Question("the control", reasons=[OUTSIDE], target=target))
        line.finish()
        line.close()
    finally:
        house.close()
    assert ledger.fault_count == 1 and "CONNECTED" in ledger.faults[0], f"a connection was not seen: {ledger.faults}"
    assert sum(stage.listeners.canaries().values()) == 1, f"canaries: {stage.listeners.canaries()}"
    stage.listeners.forget_canaries()
    return ledger.faults[0]
