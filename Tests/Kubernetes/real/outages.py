"""What an API server can do to its clients, done by a real one: members stay allowed, and what was removed meanwhile is
refused within a second of the server's return."""

import contextlib
import json
import time

from objects import NAMESPACE, pool
from probe import Guard, enforced
from report import milliseconds
from scene import ADDRESSES, LABELS, MANIFEST, SPARE, Scene
from server import Refused
from support.engine import wait_for

STEADY, STRANGER, GONE, LATER = 0, 1, 2, 3


class Outage:
    """Faults with their promises, a new sidecar for each. `gone` is a member that is removed meanwhile."""

    def __init__(self, scene, report):
        self.scene, self.server, self.report = scene, scene.server, report
        self.sidecar = None

    def remove_behind_its_back(self):
        """Straight from the store, while no API server runs: nobody can know yet."""
        deleted = self.server.etcd("del", f"/registry/pods/{NAMESPACE}/gone")
        assert deleted.strip() == "1", deleted
        assert self.sidecar.probe.ask(self.scene.target(GONE)) == 200

    def wait_for_failures(self, count=3):
        """That many more requests to the API server have failed."""
        before = self.sidecar.metric("sidecar_kubernetes_failures_total")
        wait_for(
            lambda: self.sidecar.metric("sidecar_kubernetes_failures_total") >= before + count, "failed requests", 30)

    def run(self, name, act, says=None, removed=True, limit=1.0):
        """`act` ends with the server in service again; it returns when that was, if it wasn't just now. `says` is what
        the log must name. `removed`: `act` has removed `gone`; else that is done now. Then another change is made,
        which must be followed."""
        for left in ("gone", "later"):  # by an outage whose promises weren't kept
            with contextlib.suppress(Refused):
                self.server.delete_pod(left)
        self.scene.pod("gone", GONE)
        self.sidecar = self.scene.start()
        self.scene.wait(self.sidecar, GONE, 200)
        log = len(self.sidecar.log_lines)
        lists = self.sidecar.metric("sidecar_kubernetes_lists_total")
        members, strangers = [self.scene.target(STEADY)], [self.scene.target(STRANGER)]
        try:
            with Guard(self.sidecar.port, members, strangers, 0.01) as guard:
                back = act() or time.monotonic()
                if not removed:
                    self.server.delete_pod("gone")
                    back = time.monotonic()
                self.scene.wait(self.sidecar, GONE, 403)
                took = time.monotonic() - back
                self.server.create_pod("later", LABELS)
                enforced(self.sidecar.probe, name, lambda: self.server.set_status("later", ADDRESSES[LATER]),
                         self.scene.target(LATER), 200)
                self.server.delete_pod("later")
                self.scene.wait(self.sidecar, LATER, 403)
            changed = self.follow_the_pool()
        except AssertionError as failure:
            self.report.failed(name, failure)
            print("\n".join(self.sidecar.log_lines[log:][-20:]))
            return
        lists = self.sidecar.metric("sidecar_kubernetes_lists_total") - lists
        self.report.judge(
            f"{name}: members allowed throughout", f"{len(guard.wrong)} wrong of {guard.asked} {guard.wrong[:2]}",
            not guard.wrong)
        self.report.judge(
            f"{name}: removed member refused within {limit:g} s of the server's return",
            f"{milliseconds(took)}, {lists:.0f} lists", took <= limit)
        self.report.judge(
            f"{name}: a change of the pool right after that is followed within {limit:g} s", milliseconds(changed),
            changed <= limit)
        said = self.warnings(log)
        if says:
            self.report.judge(f"{name}: the log names the cause", said, says in said)
        self.scene.sidecars.remove(self.sidecar)
        self.sidecar.stop()

    def follow_the_pool(self):
        """Its watch is another one, of a custom resource. For a moment it selects others."""
        self.server.put_pool(pool([self.scene.port], selector=SPARE))
        begun = time.monotonic()
        self.scene.wait(self.sidecar, STEADY, 403)
        took = time.monotonic() - begun
        self.server.put_pool(pool([self.scene.port]))
        self.scene.wait(self.sidecar, STEADY, 200)
        return took

    def warnings(self, since):
        found = []
        for line in self.sidecar.log_lines[since:]:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("component") == "watcher" and entry.get("level") in ("warning", "error"):
                if entry["message"] not in found:
                    found.append(entry["message"])
        return " | ".join(found) or "nothing"


def measure(server, report, permissions):
    with Scene(server) as scene:
        scene.pod("steady", STEADY)
        scene.pod("stranger", STRANGER, SPARE)
        outage = Outage(scene, report)
        control = server.control

        def killed(*flags):
            """Killed, the store changed, and started with an empty cache: old versions are too old."""
            stop_at_once(server)
            outage.remove_behind_its_back()
            control("start", *flags)

        def paused():
            control("pause")
            time.sleep(8)
            control("resume")

        def ended():
            server.script("ctl.sh", "stop", K8S_STOP_WAIT="3")
            outage.remove_behind_its_back()
            control("start")

        def compacted():
            stop_at_once(server)
            outage.remove_behind_its_back()
            # Compacted to a version after the deletion's: a watch from before it is too old. (Compacted to the very
            # version, etcd 3.4 takes the watch and keeps the deletion to itself.)
            for number in range(2):
                server.etcd("put", "/elsewhere", str(number))
            control("compact")
            control("start", "--watch-cache=false")

        def expired():
            scene.files.write(scene.spent_token())
            stop_at_once(server)
            outage.remove_behind_its_back()
            control("start")
            outage.wait_for_failures()
            scene.files.write(scene.fresh_token())
            return time.monotonic()

        def forbidden():
            code, _ = server.request("DELETE", scene.binding)
            assert code == 200, code
            stop_at_once(server)
            outage.remove_behind_its_back()
            control("start")
            outage.wait_for_failures()
            server.permit(MANIFEST)
            return time.monotonic()

        outage.run("server killed, cache empty (410)", killed, "reached")
        outage.run("server stopped in order and started", ended, "reached")
        outage.run("server paused for 8 s", paused, removed=False)
        outage.run("store compacted, no watch cache (410)", compacted, "reached")
        outage.run("server killed again, watch cache on", killed, "reached")
        # From the new token, and from the permission.
        outage.run("token expired, then rotated", expired, "token")
        for number in range(1, permissions + 1):
            outage.run(f"permission taken away and given back ({number} of {permissions})", forbidden, "forbidden")


def stop_at_once(server):
    """Kills the API server, as `ctl.sh kill` does, but leaves it down."""
    server.script("ctl.sh", "stop", K8S_STOP_WAIT="0")
