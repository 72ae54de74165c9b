"""The bulk of the attack: forbidden targets, names, mutated and broken frames, with what is allowed in between."""

import ipaddress
import os
import socket
import struct

import frames
from line import Question
from name_server import HOSTS, NameServer
from report import NotChecked
from spellings import FORBIDDEN, OUTSIDE, POLICY, WRONG_PORT

MAPPED_LOOPBACK = frames.mapped(b"\x7f\0\0\0")[:13]
NO_SUCH_NAME = {"name_not_found", "name_timed_out", "no_resources"}


def barrage(stage, count):
    line, random = stage.line(), stage.targets.random
    for i in range(count):
        if i % 100 == 99:
            stage.member(line)
        elif i % 250 == 248:
            # The dialer goes by its own settings: what the request names makes no difference.
            _, target, _ = stage.targets.draw()
            question = Question("the decoder, another named", greetings=["decoder"], target=target)
            line.dial(target, question, frames.TO_DECODER)
        elif i % 8 == 7:
            mutated(stage, line, random)
        else:
            what, target, reasons = stage.targets.draw()
            line.dial(target, Question(what.split(",")[0], reasons, target=target, detail=what))
        if i % 5000 == 0:
            stage.same()
    line.finish()
    line.close()
    stage.clean()


def mutated(stage, line, random):
    """A frame for a member in which some bits of the payload are turned over; what it then says is read off it."""
    while True:
        packet = bytearray(frames.dial(line.identity(), stage.targets.member()))
        for _ in range(random.choice([1, 1, 2, 3, 8])):
            bit = random.randrange(frames.HEADER.size * 8, len(packet) * 8)
            packet[bit // 8] ^= 1 << bit % 8
        meaning = frames.meaning(bytes(packet))
        if meaning and meaning[2] != stage.full and (stage.isolated or is_here(meaning[2])):
            break
    kind, identity, target = meaning
    if kind == "decoder":
        question = Question("mutated", greetings=["decoder"])
    elif target in stage.members:
        question = Question("mutated", greetings=[name for name, at in stage.endpoints.items() if at == target])
    else:
        question = Question("mutated", POLICY, target=target)
    line.ask(bytes(packet), identity, question)


def is_here(target):
    """Could a dial to it not leave this machine, even if it were made?"""
    return target is None or ipaddress.IPv6Address(target[0]).is_loopback or target[0].startswith(MAPPED_LOOPBACK)


# ---- names

def names(stage, count):
    """Names of members and of everybody else, from the hosts file and from a name server that changes its mind."""
    if not stage.isolated:
        raise NotChecked("needs root, for name files and a name server of its own")
    line, random = stage.line(), stage.targets.random
    inside, port = stage.endpoints["member 127.0.0.2"]
    wrong = {"outside.attack": {OUTSIDE}, "localhost": POLICY} | {
        name: {FORBIDDEN} for name in HOSTS if name.split(".")[0] in ("metadata", "own", "api", "nat64", "mapped")}
    nonsense = [
        "", ".", "..", "-", "a..b", "169.254.169.254", "127.0.0.4", "0x7f000004", "2130706436", "127.1", "[::1]", "::1",
        "fe80::1%lo", "inside.attack\0", "inside.attack@outside.attack", "http://outside.attack", "inside.attack/",
        "inside.attack:80", " inside.attack", "inside attack", "*.attack", "a" * 64 + ".attack", "a." * 126 + "a",
        "\u0131nside.attack", "inside\u3002attack", "\\105nside.attack", "nobody.attack", "metadata.google.internal"]
    with NameServer() as server:
        for i in range(count):
            way = i % 8
            if way == 0:
                ask(line, "inside.attack", port, Question("a member's name", greetings=["member 127.0.0.2"]))
            elif way == 1:
                other = random.choice([port - 1, port + 1, 80])
                ask(line, "inside.attack", other, Question("a member's name, other port", {WRONG_PORT}))
            elif way == 2:
                ask(line, "both.attack", port, Question(
                    "a name of both", {FORBIDDEN}, greetings=["member 127.0.0.2"]))
            elif way == 3:
                ask(line, f"{i // 24}.rebind.attack", port, Question(
                    "a name that is rebound", {FORBIDDEN, OUTSIDE}, greetings=["member 127.0.0.2"]))
            elif way == 4:
                name = random.choice(nonsense)
                ask(line, name, port, Question("no name", NO_SUCH_NAME | POLICY, detail=repr(name)))
            else:
                name = random.choice(list(wrong))
                ask(line, name, random.choice([port, 80, 443]), Question("a forbidden name", wrong[name], detail=name))
        line.finish()
        line.close()
    stage.clean()
    return f"{server.questions} questions reached the name server"


def ask(line, name, port, question):
    identity = line.identity()
    line.ask(frames.dial_name(identity, name, port), identity, question)


# ---- broken frames

def malformed(stage, count):
    """One for each channel: the dialer cuts it off at once, and what stands behind the broken frame is not served."""
    random = stage.targets.random
    null = os.open("/dev/null", os.O_RDWR)
    seen = 0
    try:
        while seen < count:
            for packet, descriptors in broken(stage, random):
                if seen == count:
                    break
                cut_off(stage, packet, [null] * descriptors)
                seen += 1
    finally:
        os.close(null)
    stage.still_works()
    stage.clean()


def cut_off(stage, packet, descriptors):
    sock = stage.house.channel()
    sock.settimeout(10)
    stage.ledger.asked["broken frames"] += 1
    before = stage.targets.random.random() < 0.3
    try:
        if before:
            sock.send(frames.cancel(1))
        if descriptors:
            socket.send_fds(sock, [packet], descriptors)
        else:
            sock.send(packet)
        try:
            sock.send(frames.dial(1, stage.members[0]))
        except OSError:
            pass  # cut off already
        try:
            answer, received, _, _ = socket.recv_fds(sock, 4096, 4)
        except ConnectionResetError:
            answer, received = b"", []
        if answer or received:
            stage.ledger.fault(f"a broken frame is answered: {packet[:64].hex()} with {answer.hex()}")
        for descriptor in received:
            os.close(descriptor)
        stage.ledger.violations += 1
        stage.ledger.outcomes["broken frames", "cut off"] += 1
    except TimeoutError:
        stage.ledger.fault(f"a broken frame leaves the channel open: {packet[:64].hex()}")
    finally:
        sock.close()


def broken(stage, random):
    """(packet, how many descriptors go with it); each breaks one rule of the protocol, the last ones at random."""
    member = stage.targets.member()
    good, short = frames.dial(1, member), frames.cancel(1)
    payload = good[8:]
    yield from ((good[:length], 0) for length in (1, 4, 7, 8, 9, 20, 34))
    yield from ((good + bytes(extra), 0) for extra in (1, 8, 1000, 16_400, 60_000))
    yield from ((frames.frame(1, payload, version=version), 0) for version in (0, 2, 255))
    yield from ((frames.frame(1, payload, reserved=reserved), 0) for reserved in (1, 128, 255))
    yield from ((frames.frame(1, payload, descriptors=announced), 0) for announced in (1, 2, 255))
    yield from ((frames.frame(1, payload, length=length), 0) for length in (0, 26, 28, 16_385, 1 << 31, 0xFFFF_FFFF))
    yield from ((frames.frame(kind, payload), 0) for kind in (0, 2, 3, 4, 7, 15, 128, 255))
    yield from ((frames.frame(kind, b""), 0) for kind in (1, 2, 3, 10))
    yield frames.frame(1, payload + b"\0"), 0
    yield frames.frame(2, short[8:] + b"\0"), 0
    yield from ((frames.dial(1, member, purpose=purpose), 0) for purpose in (2, 7, 255))
    yield frames.dial_name(1, b"a" * 254, 80), 0
    yield frames.dial_name(1, b"\xff\xfe", 80), 0
    yield frames.dial_name(1, b"\xc0\x80", 80), 0
    yield frames.frame(3, struct.pack("<IH", 1, 40) + b"short" + struct.pack("<HI", 80, 1000)), 0
    yield frames.frame(3, struct.pack("<IH", 1, 65_535) + b"a" * 253 + struct.pack("<HI", 80, 1000)), 0
    for announced in (0, 1):
        yield from ((frames.frame(1, payload, descriptors=announced), sent) for sent in (1, 2, 4, 5, 200))
        yield frames.frame(2, short[8:], descriptors=announced), 1
        yield frames.frame(15, bytes(16), descriptors=announced), 1  # a snapshot of the attacker's own
    if not stage.isolated:
        return
    for _ in range(200):
        packet = bytearray(random.choice([good, short, frames.dial_name(1, "inside.attack", 80)]))
        for _ in range(random.choice([1, 2, 5])):
            packet[random.randrange(len(packet))] = random.randrange(256)
        if random.random() < 0.3:
            packet = packet[:random.randrange(1, len(packet) + 1)]
        if frames.meaning(bytes(packet)) is None:
            yield bytes(packet), 0
