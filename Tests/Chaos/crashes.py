"""Programs that don't do what they should: crash loops, missing ones, every way to die, orphans."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

from house import House, ask, changed_build, is_alive, restart_order, wait_for
from report import NotChecked

CHILD_FAILED = 70
# Pauses before the second to the fifth start in milliseconds: none, then 20 doubling. Jitter only adds.
PAUSES = [0, 20, 40, 80]


def admin_or(script):
    """The admin process is the proxy's program in another role: it goes on as it is."""
    return f'#!/bin/sh\n[ "$1" = admin ] && exec {{directory}}/real-proxy "$@"\n{script}\n'


def crash_loop(decoder):
    """Five deaths before ready, with growing pauses, while the dialer lives and nobody is told that all is well."""
    with changed_build(proxy=admin_or("/bin/date +%s%N >>{directory}/starts; exit 1")) as build:
        with House(decoder.port, build=build, ready=False) as house:
            statuses = set()
            while house.process.poll() is None:
                try:
                    statuses.add(ask(house.admin_port, target="/readyz").status)
                except OSError:
                    pass
                time.sleep(0.005)
            code = house.process.wait()
            house.reader.join(3)
            starts = [int(line) / 1e6 for line in (build / "starts").read_text().split()]
            text = house.log_text()
    assert code == CHILD_FAILED, f"exit {code}:\n{text[-2000:]}"
    assert len(starts) == 5, f"{len(starts)} starts"
    gaps = [after - before for before, after in zip(starts, starts[1:])]
    assert all(gap >= pause for gap, pause in zip(gaps, PAUSES)), f"pauses {gaps} instead of at least {PAUSES}"
    assert statuses <= {503}, f"/readyz answered {statuses}"
    assert text.count("started dialer") == 1, "the dialer was disturbed"
    assert "proxy has failed for good" in text and "exit 1" in text, text[-2000:]
    return f"5 starts, pauses {', '.join(f'{gap:.0f}' for gap in gaps)} ms"


def fatal_dialer(decoder):
    with changed_build(dialer="#!/bin/sh\necho >>{directory}/starts; exit 64\n") as build:
        with House(decoder.port, build=build, ready=False) as house:
            code = house.process.wait(15)
            house.reader.join(3)
            starts = (build / "starts").read_text().count("\n")
            text = house.log_text()
    assert code == CHILD_FAILED, f"exit {code}:\n{text[-2000:]}"
    assert starts == 1, f"{starts} starts"
    assert "exit 64 (configuration)" in text, text[-2000:]


def missing_program(decoder):
    with changed_build(dialer=None) as build:
        with House(decoder.port, build=build, ready=False) as house:
            code = house.process.wait(15)
            house.reader.join(3)
            text = house.log_text()
    assert code == CHILD_FAILED, f"exit {code}:\n{text[-2000:]}"
    assert "No such file or directory" in text and str(build) in text, text[-2000:]


def failed_admin(decoder):
    """Not essential: requests go on, `status` tells, and an order brings it back once the cause is gone."""
    script = (
        '#!/bin/sh\n[ "$1" = admin ] && [ -e {directory}/broken ] && exit 3\nexec {directory}/real-proxy "$@"\n')
    with changed_build(proxy=script) as build:
        (build / "broken").touch()
        with House(decoder.port, build=build, ready=False) as house:
            row = wait_for(lambda: failed_row(house), "the admin process given up", timeout=15)
            assert row["last_exit"] == "exit 3", row
            house.works()
            os.unlink(build / "broken")
            accepted, text = house.command(restart_order("admin"))
            assert accepted, text
            house.wait_ready()


def failed_row(house):
    try:
        row = house.row("admin")
    except (OSError, ValueError):
        return None
    return row if row["actual"] == "failed" else None


def failing_replacement(decoder):
    """USR2 with a broken new version: the old process serves on, as often as it is tried."""
    script = admin_or("[ -e {directory}/broken ] && exit 1\nexec {directory}/real-proxy proxy")
    with changed_build(proxy=script) as build:
        with House(decoder.port, build=build) as house:
            before = house.pids()
            (build / "broken").touch()
            for attempt in range(1, 9):
                house.process.send_signal(signal.SIGUSR2)
                wait_for(lambda n=attempt: len(house.logged("did not become ready; the old one goes on")) == n,
                         "the replacement abandoned")
                house.works()
            assert house.pids() == before, (before, house.pids())
            os.unlink(build / "broken")
            house.process.send_signal(signal.SIGUSR2)
            house.wait_new("proxy", before["proxy"])
            house.works()


def every_death(decoder):
    """Exit codes 0 to 255 and all signals that can end a child, from an admin process that says ready and dies."""
    deaths = [("exit", code) for code in range(256)]
    # What a child ignores because its whole family may be sent it, and what stops or is not delivered.
    harmless = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE, signal.SIGUSR1,
                signal.SIGUSR2, signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
                signal.SIGURG, signal.SIGWINCH, signal.SIGRTMIN, signal.SIGRTMIN + 1, 32, 33}
    deaths += [("signal", number) for number in range(1, signal.SIGRTMAX + 1) if number not in harmless]
    # A frame `ready` written by the shell: one write is one packet.
    script = (
        '#!/bin/sh\n[ "$1" = proxy ] && exec {directory}/real-proxy "$@"\nread -r how number <{directory}/death\n'
        "printf '\\001\\001\\000\\000\\000\\000\\000\\000' >&3\n"
        '[ "$how" = exit ] && exit "$number"\nkill -"$number" $$\nexec /bin/sleep 5\n')
    with changed_build(proxy=script) as build:
        (build / "death").write_text("exit 0\n")
        with House(decoder.port, build=build, ready=False) as house:
            wait_for(lambda: os.path.exists(house.control), "the control socket")
            for how, number in deaths:
                (build / "next").write_text(f"{how} {number}\n")
                os.rename(build / "next", build / "death")
                wait_for(lambda h=how, n=number: told(house, f"{h} {n}"), f"{how} {number} reported", timeout=10)
            row = house.row("admin")
            assert house.row("proxy")["restarts"] == 0 and house.row("dialer")["restarts"] == 0
            wait_for(lambda: "Z" not in house.children().values(), "no zombies")
    return f"{len(deaths)} deaths, {row['restarts']} restarts"


def told(house, text):
    row = house.row("admin")
    last = row["last_exit"] or ""
    if last == text or last.startswith((text + " (", text + ":")):
        return True
    if row["actual"] in ("backoff", "failed"):
        house.command(restart_order("admin"))
    return False


def never_ready(decoder):
    with changed_build(proxy=admin_or("exec /bin/sleep 1000")) as build:
        with House(decoder.port, build=build, ready=False) as house:
            time.sleep(5)
            assert ask(house.admin_port, target="/readyz").status == 503
            first = house.row("proxy")["pid"]
            wait_for(lambda: house.row("proxy")["pid"] not in (0, first), "a second attempt", timeout=40)
            assert not is_alive(first)
            assert house.logged("did not become ready within 30 s"), house.log_text()[-1500:]


def orphans(decoder):
    """Grandchildren whose parent is gone become the supervisor's: they leave no zombie, whenever they end."""
    spawn = "for i in 1 2 3 4 5 6 7 8 9 10; do (/bin/sleep 0.$i 3>&- & /bin/true 3>&- &); done\n"
    with changed_build(proxy=admin_or(spawn + "exec {directory}/real-proxy proxy")) as build:
        with House(decoder.port, build=build) as house:
            for _ in range(3):
                old = house.pids()["proxy"]
                os.kill(old, signal.SIGKILL)
                house.wait_new("proxy", old)
            adopted = max(len(house.children()), 3)
            wait_for(lambda: len(house.children()) == 3, f"all reaped; now {house.children()}", timeout=8)
            house.works()
            assert adopted > 3, "no orphan was seen: the check did not check"


def orphans_as_first_process(decoder):
    unshare = shutil.which("unshare")
    if not unshare:
        raise NotChecked("unshare is not installed")
    wrapper = [unshare, "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*wrapper, "true"], capture_output=True).returncode != 0:
        raise NotChecked("no right to make a PID namespace")
    spawn = "for i in 1 2 3 4 5; do (/bin/sleep 0.$i 3>&- & /bin/true 3>&- &); done\n"
    with changed_build(proxy=admin_or(spawn + "exec {directory}/real-proxy proxy")) as build:
        house = House(decoder.port, build=build, wrapper=wrapper)
        try:
            first = first_child(house.pid)
            assert own_number(first) == 1, "it is not PID 1 of its namespace"
            assert house.status()["pid"] == 1, house.status()
            for _ in range(3):
                row = house.row("proxy")
                os.kill(outer_pid(first, row["pid"]), signal.SIGKILL)
                house.wait_new("proxy", row["pid"])
            wait_for(lambda: len(children_of(first)) == 3, "all reaped", timeout=8)
            house.works()
            # PID 1 gets only the signals it handles: TERM must be one of them.
            os.kill(first, signal.SIGTERM)
            code = house.process.wait(15)
            assert code == 0, f"exit {code}:\n{house.log_text()[-1500:]}"
        finally:
            house.end()


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def first_child(pid):
    return wait_for(lambda: children_of(pid), "the sidecar below unshare")[0]


def own_number(pid):
    """The number a process has in its innermost namespace."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("NSpid:"):
            return int(line.split()[-1])
    raise NotChecked("the kernel does not tell NSpid")


def outer_pid(first, inner):
    return next(pid for pid in children_of(first) if own_number(pid) == inner)
