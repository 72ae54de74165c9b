"""The parts of the attack that are about order, time and other people's things."""

import fcntl
import mmap
import os
import select
import socket
import struct
import time

import frames
from hijacked import settle, wait_for
from line import COUNTED, Question
from spellings import OUTSIDE

MEMORY = 4 << 20  # bytes that unread answers may cost the dialer at most
FLOOD = 300_000  # enough that answers kept without a bound would cost more
ALL_SEALS = 0xF  # against sealing, shrinking, growing and writing


def replays(stage, count):
    """One id for everything, again and again: what was allowed once gives nothing to what comes after it."""
    line, random = stage.line(), stage.targets.random
    for i in range(count):
        if i % 20 == 0:
            name = "member 127.0.0.2"
            line.ask(frames.dial(7, stage.endpoints[name]), 7, Question("replayed", greetings=[name]))
        else:
            what, target, reasons = stage.targets.draw()
            line.ask(frames.dial(7, target), 7, Question("replayed", reasons, target=target, detail=what))
        if random.random() < 0.1:
            line.send(frames.cancel(7))  # nothing is under way: what has been answered stays answered
    line.finish()
    line.close()
    stage.clean()


def cancels(stage):
    """Two dials of one channel wait. It takes one back; another channel tries to take back both, and all others."""
    before = stage.unaccepted() if stage.isolated else 0
    full = stage.fill()
    mine, other = stage.line(), stage.line()
    name = "member 127.0.0.5"
    withdrawn, kept = mine.identity(), mine.identity()
    mine.ask(frames.dial(kept, stage.full, milliseconds=30_000), kept, Question("waiting", greetings=[name]))
    mine.send(frames.dial(withdrawn, stage.full, milliseconds=30_000))
    mine.send(frames.cancel(withdrawn))
    for identity in range(3000):
        other.send(frames.cancel(identity))
    stage.member(other)
    other.finish()
    stage.member(mine)
    settle(lambda: (mine.collect(0.1), len(mine.waiting) == 1)[1])
    assert list(mine.waiting) == [kept], f"not waiting any more: {stage.ledger.faults}"
    full.make_room(stage.listeners, name)
    mine.finish(30)
    time.sleep(0.5)
    mine.collect()  # an answer to the dial that was taken back would be a fault
    for sock in (mine, other, full):
        sock.close()
    stage.listeners.retire(name)
    if stage.isolated:
        stage.explained += stage.unaccepted() - before  # whoever filled the queue, and the dial that was taken back
    stage.clean()


def closings(stage):
    """With dials waiting, and with connections on their way that nobody will ever take."""
    before = stage.unaccepted() if stage.isolated else 0
    held = stage.house.dialer_descriptors()
    full = stage.fill()
    for i in range(24):
        sock = stage.house.channel()
        for identity in range(1, 21):
            sock.send(frames.dial(identity, stage.full, milliseconds=600_000))
            sock.send(frames.dial(100 + identity, stage.members[identity % 3]))
        if i % 2:
            sock.shutdown(socket.SHUT_RD)
        sock.close()
        stage.ledger.asked["before closing"] += 40
    stage.still_works()
    full.close()
    assert settle(lambda: stage.house.dialer_descriptors() <= held, 10), (
        f"{held} descriptors of the dialer became {stage.house.dialer_descriptors()}")
    if stage.isolated:
        settle(lambda: False, 0.5)
        stage.explained += stage.unaccepted() - before
    stage.clean()


def floods(stage):
    """Questions without end whose answers are never read: who does that is cut off, and nobody else notices."""
    flood, other = stage.line(), stage.line()
    target = frames.endpoint("127.0.0.4", stage.canary_port)
    memory = stage.house.dialer_memory()
    before = stage.counted(OUTSIDE)
    sent = 0
    cut_off = False
    while sent < FLOOD and not cut_off:
        try:
            flood.sock.send(frames.dial(flood.identity(), target))
            sent += 1
        except BlockingIOError:
            settle(lambda: writable(flood.sock), 1)
        except (ConnectionResetError, BrokenPipeError):
            cut_off = True
    assert cut_off, f"{sent:,} questions whose answers nobody reads, and the dialer listens on"
    stage.member(other, "a member during a flood")
    other.finish()
    # How many of them the dialer had taken in by then only it can say; every one of those was refused.
    settle(lambda: stage.counted(OUTSIDE) - before > 0, 5)
    taken = stage.counted(OUTSIDE) - before
    assert 0 < taken <= sent, f"{taken:,} refusals of {sent:,} questions"
    stage.ledger.asked["flooded"] += sent
    stage.ledger.refused[COUNTED[OUTSIDE]] += taken
    stage.ledger.violations += 1
    grown = stage.house.dialer_memory() - memory
    flood.close()
    other.close()
    stage.clean()
    assert grown < MEMORY, f"{sent:,} unread answers cost the dialer {grown >> 20} MiB: nothing bounds them"
    return f"cut off after {taken:,} unread answers, which cost {grown >> 10} KiB"


def writable(sock):
    return bool(select.select([], [sock], [], 0.05)[1])


def unread_connections(stage):
    """Connections that are made and never taken, over several channels."""
    held = stage.house.dialer_descriptors()
    memory = stage.house.dialer_memory()
    other = stage.line()
    hoards = [stage.house.channel() for _ in range(8)]
    for sock in hoards:
        sock.setblocking(False)
    for i in range(500):
        for sock in hoards:
            if not select.select([], [sock], [], 0.05)[1]:
                continue  # it has stopped reading us
            sock.send(frames.dial(i + 1, stage.members[i % 3]))
            stage.ledger.asked["never taken"] += 1
    stage.member(other, "a member besides a hoard")
    other.finish()
    most = stage.house.dialer_descriptors()
    for sock in hoards:
        sock.close()
    grown = stage.house.dialer_memory() - memory
    assert grown < MEMORY, f"{grown >> 20} MiB"
    stage.member(other, "a member after a hoard")
    other.finish()
    other.close()
    assert settle(lambda: stage.house.dialer_descriptors() <= held, 10), (
        f"{held} descriptors of the dialer became {stage.house.dialer_descriptors()}")
    stage.clean()
    return f"at most {most} descriptors"


def forgeries(stage):
    """The snapshot in our hands is for reading; one of our own making ends its sender."""
    stage.house.loot.take()
    snapshot = stage.house.loot.allowlist
    assert snapshot is not None, "the proxy was given no snapshot"
    size = os.fstat(snapshot).st_size
    true = os.pread(snapshot, size, 0)
    assert fcntl.fcntl(snapshot, fcntl.F_GET_SEALS) & ALL_SEALS == ALL_SEALS, "seals are missing"
    again = os.open(f"/proc/self/fd/{snapshot}", os.O_RDWR)
    try:
        for change in (
            lambda: os.pwrite(again, b"\xff" * 24, 64),
            lambda: os.ftruncate(again, 0),
            lambda: os.ftruncate(again, size * 2),
            lambda: mmap.mmap(again, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE).close(),
        ):
            try:
                change()
            except OSError:
                continue
            raise AssertionError("the snapshot could be changed")
    finally:
        os.close(again)
    assert os.pread(snapshot, size, 0) == true

    # The same snapshot with a canary in the place of a member, handed to the supervisor as a watcher would.
    canary = frames.endpoint("127.0.0.4", stage.canary_port)
    own = true.replace(stored(stage.members[0]), stored(canary))
    assert own != true, "this snapshot does not hold what was allowed"
    before = stage.house.metrics()
    generation, violations = before["sidecar_allowlist_generation"], before["sidecar_ipc_violations_total"]
    socket.send_fds(stage.house.loot.control, [frames.frame(4, struct.pack("<Q", 99), descriptors=1)], [sealed(own)])
    wait_for(lambda: stage.house.metrics()["sidecar_ipc_violations_total"] == violations + 1, "the forger punished")
    stage.house.receive_loot()
    wait_for(lambda: stage.house.proxy()["ready"], "the next stand-in")
    assert stage.house.metrics()["sidecar_allowlist_generation"] == generation
    line = stage.line()
    line.dial(canary, Question("after a forgery", {OUTSIDE}, target=canary))
    stage.member(line)
    line.finish()
    line.close()
    stage.clean()


def revocations(stage):
    """Two members leave: one is dialled all the time, to the other a dial waits. A proxy that doesn't care asks on."""
    before = stage.unaccepted() if stage.isolated else 0
    full = stage.fill()
    waiting, line = stage.line(), stage.line()
    name = "member 127.0.0.3"
    waiting.dial(stage.full, Question("waiting for who leaves", {OUTSIDE}, target=stage.full), milliseconds=60_000)
    stage.member(waiting)
    settle(lambda: (waiting.collect(0.1), len(waiting.waiting) == 1)[1])
    assert len(waiting.waiting) == 1, "the dial does not wait"
    left = [stage.endpoints[name], stage.full]
    stage.allow([member for member in stage.members if member not in left])

    def ask(reasons, greetings):
        question = Question("who leaves", reasons, greetings, target=left[0])
        line.dial(left[0], question)
        line.finish()

    refused = stage.ledger.refused["not_in_pool"]
    wait_for(lambda: ask({OUTSIDE}, [name]) or stage.ledger.refused["not_in_pool"] > refused, "the new list in force")
    for _ in range(500):
        ask({OUTSIDE}, [])
    waiting.finish(5)
    stage.allow(stage.members)
    connected = stage.ledger.connected
    wait_for(lambda: ask({OUTSIDE}, [name]) or stage.ledger.connected > connected, "the old list in force again")
    for sock in (waiting, line, full):
        sock.close()
    if stage.isolated:
        stage.explained += stage.unaccepted() - before  # whoever filled the queue, and the dial that was ended
    stage.clean()


def stored(target):
    """An endpoint as a snapshot holds it."""
    return struct.pack("<QQH", *struct.unpack(">QQ", target[0]), target[1])


def sealed(data):
    descriptor = os.memfd_create("allowlist", os.MFD_ALLOW_SEALING)
    os.write(descriptor, data)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, ALL_SEALS)
    return descriptor
