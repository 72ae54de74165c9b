"""The frames between a proxy and the dialer (PROTOCOL.md, section 1), written and read without the code under test."""

import ipaddress
import struct

HEADER = struct.Struct("<BBBBI")  # version, type, descriptors, reserved, payload length
DIAL, CANCEL, DIAL_NAME = 1, 2, 3
CONNECTED, REFUSED = 1, 2
TO_DECODER, TO_PREFILLER = 0, 1
LONGEST_NAME = 253

REASONS = {
    1: "forbidden_address", 2: "connection_refused", 3: "timed_out", 4: "unreachable", 5: "too_many", 6: "no_resources",
    7: "dialer_lost", 8: "name_not_found", 9: "name_timed_out", 10: "not_in_pool", 11: "port_not_allowed",
    12: "allowlist_missing", 13: "allowlist_stale",
}


def endpoint(text, port):
    """An address of 16 bytes (IPv4 mapped) and a port: the one spelling in which endpoints are compared here."""
    return address(text), port


def address(text):
    parsed = ipaddress.ip_address(text)
    return mapped(parsed.packed) if parsed.version == 4 else parsed.packed


def mapped(four):
    return bytes(10) + b"\xff\xff" + four


def written(target):
    """For messages."""
    text = ipaddress.IPv6Address(target[0])
    return f"{text.ipv4_mapped}:{target[1]}" if text.ipv4_mapped else f"[{text}]:{target[1]}"


def frame(kind, payload, version=1, descriptors=0, reserved=0, length=None):
    return HEADER.pack(version, kind, descriptors, reserved, len(payload) if length is None else length) + payload


def dial(identity, target, purpose=TO_PREFILLER, milliseconds=5000):
    """An address travels as two numbers of 64 bits, the more significant one first, each little-endian."""
    high, low = struct.unpack(">QQ", target[0])
    return frame(DIAL, struct.pack("<IBQQHI", identity, purpose, high, low, target[1], milliseconds))


def dial_name(identity, name, port, milliseconds=5000):
    name = name if isinstance(name, bytes) else name.encode()
    return frame(DIAL_NAME, struct.pack("<IH", identity, len(name)) + name + struct.pack("<HI", port, milliseconds))


def cancel(identity):
    return frame(CANCEL, struct.pack("<I", identity))


def meaning(packet):
    """What a packet without descriptors says to a dialer: (kind, id, what) or None for one that breaks the protocol."""
    if len(packet) < HEADER.size:
        return None
    version, kind, descriptors, reserved, length = HEADER.unpack_from(packet)
    payload = packet[HEADER.size:]
    if (version, descriptors, reserved, length) != (1, 0, 0, len(payload)):
        return None
    if kind == CANCEL and length == 4:
        return "cancel", struct.unpack("<I", payload)[0], None
    if kind == DIAL and length == 27:
        identity, purpose, high, low, port, _ = struct.unpack("<IBQQHI", payload)
        if purpose == TO_DECODER:
            return "decoder", identity, None
        return ("prefiller", identity, (struct.pack(">QQ", high, low), port)) if purpose == TO_PREFILLER else None
    if kind == DIAL_NAME and length >= 12:
        identity, count = struct.unpack_from("<IH", payload)
        name = payload[6:6 + count]
        if count > LONGEST_NAME or length != 12 + count:
            return None
        try:
            name.decode()
        except UnicodeDecodeError:
            return None
        return "name", identity, (name, struct.unpack_from("<H", payload, 6 + count)[0])
    return None


def answer(packet):
    """(id, peer endpoint) of a connection, (id, reason) of a refusal; anything else is a fault of the dialer."""
    version, kind, descriptors, reserved, length = HEADER.unpack_from(packet)
    assert (version, reserved, length) == (1, 0, len(packet) - HEADER.size), packet.hex()
    assert descriptors == (1 if kind == CONNECTED else 0), packet.hex()
    if kind == CONNECTED:
        identity, high, low, port = struct.unpack("<IQQH", packet[HEADER.size:])
        return identity, (struct.pack(">QQ", high, low), port)
    assert kind == REFUSED, packet.hex()
    identity, reason = struct.unpack("<IB", packet[HEADER.size:])
    return identity, REASONS[reason]
