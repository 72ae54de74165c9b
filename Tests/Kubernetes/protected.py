"""The sidecar with protection on, and what the tests ask it."""

import contextlib
import os
import signal
import threading
import time

from objects import NAMESPACE, POOL
from support.behaviours import CHAT
from support.client import ask, assert_error
from support.engine import wait_for
from support.sidecar import Sidecar

ROUTE = "x-prefiller-host-port"
PROMPT = b'{"model":"tiny","messages":[{"role":"user","content":"Say something."}]}'
NOT_ALLOWED = "prefill_target_not_allowed"


class Protected(Sidecar):
    """`ready` False: the constructor returns as soon as the admin port answers."""

    def __init__(self, decoder, api, volume, ready=True, **flags):
        self.starting = not ready
        protection = {"enable_ssrf_protection": True, "handoff_host_check": "off"}
        kubernetes = {} if api is None else {
            "inference_pool_namespace": NAMESPACE, "inference_pool_name": POOL, "kubernetes_server": api.url,
            "kubernetes_ca_file": volume.authority_file, "kubernetes_token_file": volume.token_file,
        }
        self.may_restart = set()  # components that a test ends itself
        super().__init__(decoder, **(protection | kubernetes | flags))
        self.starting = False

    def is_ready(self):
        if not self.starting:
            return super().is_ready()
        assert self.process.poll() is None, f"exit {self.process.returncode}:\n{self.log_text()}"
        with contextlib.suppress(OSError):
            return self.admin("/livez").status == 200 and ask(self.port, target="/health").status == 200
        return False

    def finish(self):
        """Ends it; a process of it that died on its own is a failure."""
        if self.process.poll() is None:
            for component in ("watcher", "dialer", "proxy", "admin"):
                if component not in self.may_restart:
                    restarts = self.metric("sidecar_component_restarts_total", component=component)
                    assert restarts == 0, f"{component} was restarted:\n{self.log_text()[-3000:]}"
        self.stop()

    def to(self, target, headers=()):
        """A prefill/decode request to that target."""
        return ask(self.port, "POST", CHAT, [(ROUTE, target), *headers], PROMPT)

    def allows(self, target):
        """True for 200, False for the refusal; anything else is a failure."""
        answer = self.to(target)
        if answer.status == 200:
            return True
        assert_error(answer, 403, NOT_ALLOWED)
        return False

    def wait_allowed(self, *targets, timeout=15):
        for target in targets:
            wait_for(lambda: self.allows(target), f"{target} to be allowed\n{self.log_text()[-2500:]}", timeout)

    def wait_refused(self, *targets, timeout=15):
        for target in targets:
            wait_for(lambda: not self.allows(target), f"{target} to be refused\n{self.log_text()[-2500:]}", timeout)

    def assert_allowed(self, *targets):
        for target in targets:
            assert self.allows(target), f"{target} is refused\n{self.log_text()[-2500:]}"

    def assert_refused(self, *targets):
        for target in targets:
            assert not self.allows(target), f"{target} is allowed\n{self.log_text()[-2500:]}"

    def allowlist(self):
        return self.status()["allowlist"]

    def blocked(self, reason):
        return self.metric("ssrf_blocked_total", reason=reason)

    def logged(self, *pieces):
        """Lines of the log that hold all of these pieces."""
        return [line for line in list(self.log_lines) if all(piece in line for piece in pieces)]

    def wait_logged(self, *pieces, timeout=15):
        return wait_for(lambda: self.logged(*pieces), f"a line with {pieces}:\n{self.log_text()[-2500:]}", timeout)

    def kill_component(self, name):
        """SIGKILL to one of its processes; returns the pid it had."""
        self.may_restart.add(name)
        pid = self.component_pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid


@contextlib.contextmanager
def steady(sidecar, *targets, unbroken=True):
    """Asks for these targets all the time meanwhile. Each must be allowed each time: nothing that happens to the API
    server is a reason to refuse a member. `unbroken` False: connections may break and engines be out of reach, as when
    processes are killed, but a refusal stays a failure."""
    over = threading.Event()
    refused, served = [], []

    def run():
        while not over.is_set():
            for target in targets:
                try:
                    answer = sidecar.to(target)
                    bad = answer.status != 200 if unbroken else answer.status < 500 and answer.status != 200
                    (refused if bad else served).append((target, answer.status, answer.body[:200]))
                except (OSError, AssertionError) as failure:
                    if unbroken:
                        refused.append((target, repr(failure)))
            time.sleep(0.005)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(20)
    assert not refused, f"{len(refused)} of {len(refused) + len(served)}: {refused[:3]}\n{sidecar.log_text()[-2500:]}"
    assert served
