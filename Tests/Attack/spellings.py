"""Endpoints that a dialer must refuse, in every form in which an address can be written in 16 bytes.

Written out by hand from the RFCs, and not with the code under test. Each target comes with the reason that the dialer
must give; a set of reasons where the form leaves it open which rule is met first.
"""

import ipaddress
import random

from frames import address, mapped

FORBIDDEN, OUTSIDE, WRONG_PORT = "forbidden_address", "not_in_pool", "port_not_allowed"
POLICY = frozenset({FORBIDDEN, OUTSIDE, WRONG_PORT})

# DESIGN.md, "always refused", as blocks of IPv4.
NEVER_V4 = [
    "0.0.0.0/8", "169.254.0.0/16", "169.254.169.254/32", "169.254.169.253/32", "169.254.170.2/32", "100.100.100.200/32",
    "168.63.129.16/32", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
]
NEVER_V6 = ["::/128", "fe80::/10", "fec0::/10", "ff00::/8", "ff02::1/128", "fd00:ec2::254/128"]
ELSEWHERE = [
    "10.0.0.0/9", "172.16.0.0/12", "192.168.0.0/16", "203.0.113.0/24", "8.8.8.8/32", "127.0.0.8/29", "127.1.0.0/16",
    "2001:db8::/33", "fd12::/16", "2606:4700::/32", "::1:0:0:0/96",
]
# Which addresses of ELSEWHERE a machine that is not isolated may be asked for.
ELSEWHERE_ON_LOOPBACK = ["127.0.0.8/29", "127.1.0.0/16"]
PORTS = [22, 53, 80, 443, 2379, 6443, 8000, 8080, 9464, 10250]


def embeddings(four, any_of):
    """Every form of IPv6 that some network or library takes for this IPv4 address. `any_of` is a random generator for
    the bits that may be anything. Yields (name, address, whether the form is the only one that the prefix can have)."""
    def noise(count):
        return any_of.randbytes(count)

    yield "mapped", mapped(four), True
    if four[:3] != bytes(3):  # of these, :: and ::1 are addresses of their own
        yield "compatible", bytes(12) + four, True
    yield "translated", bytes(8) + b"\xff\xff\0\0" + four, True
    nat64 = bytes.fromhex("0064ff9b")
    yield "NAT64, well-known prefix", nat64 + bytes(8) + four, True
    local = nat64 + b"\0\1"
    # RFC 6052: where the address stands depends on the length of the prefix; byte 8 is skipped.
    yield "NAT64, local prefix of 48", local + four[:2] + b"\0" + four[2:] + noise(5), False
    yield "NAT64, local prefix of 56", local + noise(1) + four[:1] + b"\0" + four[1:] + noise(4), False
    yield "NAT64, local prefix of 64", local + noise(2) + b"\0" + four + noise(3), False
    yield "NAT64, local prefix of 96", local + noise(2) + b"\0" + noise(3) + four, True
    yield "6to4", b"\x20\x02" + four + noise(10), True
    yield "Teredo", b"\x20\x01\0\0" + noise(8) + bytes(byte ^ 255 for byte in four), True
    for bits in (0, 1, 2, 3):
        yield f"ISATAP {bits}", noise(8) + bytes([bits, 0, 0x5E, 0xFE]) + four, True


def somewhere(block, any_of):
    """An address of this block, often one of its two ends."""
    network = ipaddress.ip_network(block)
    offset = any_of.choice([0, network.num_addresses - 1, any_of.randrange(network.num_addresses)])
    return (network.network_address + offset).packed


class Targets:
    """Draws targets for one sidecar: `members` are its allowed endpoints, `own_ports` its serving and admin port."""

    def __init__(self, members, own_ports, own_addresses, api_server, isolated, seed):
        self.members = members
        self.own_ports, self.own_addresses, self.api_server = own_ports, own_addresses, api_server
        self.isolated = isolated
        self.random = random.Random(seed)

    def port(self):
        return self.random.choice(PORTS) if self.random.random() < 0.7 else self.random.randrange(1, 65536)

    def member(self):
        return self.random.choice(self.members)

    def draw(self):
        """(what it is, target, the reasons that may be given)."""
        ways = [self.own_port, self.wrong_port, self.port_zero, self.elsewhere]
        if self.isolated:
            ways += [self.never, self.never, self.never, self.never_v6, self.ourselves, self.kubernetes,
                     self.member_in_disguise, self.anything]
        return self.random.choice(ways)()

    def disguised(self, what, four, port, reasons):
        """One of the forms of a forbidden IPv4 address."""
        name, target, sure = self.random.choice(list(embeddings(four, self.random)))
        if not sure and four[0] == 0:
            reasons = POLICY  # may be taken for a layout that is not in use
        return f"{what}, {name}", (target, port), reasons

    def never(self):
        block = self.random.choice(NEVER_V4)
        return self.disguised(block, somewhere(block, self.random), self.port(), {FORBIDDEN})

    def never_v6(self):
        block = self.random.choice(NEVER_V6)
        return block, (somewhere(block, self.random), self.port()), {FORBIDDEN}

    def ourselves(self):
        own = ipaddress.ip_address(self.random.choice(self.own_addresses))
        if own.version == 4:
            return self.disguised("own address", own.packed, self.port(), {FORBIDDEN})
        return "own address", (own.packed, self.port()), {FORBIDDEN}

    def kubernetes(self):
        return self.disguised("API server", ipaddress.ip_address(self.api_server).packed, self.port(), {FORBIDDEN})

    def own_port(self):
        port = self.random.choice(self.own_ports)
        if self.random.random() < 0.3:
            return "own port", (address("::1"), port), {FORBIDDEN}
        four = b"\x7f" + self.random.choice([b"\0\0\1", b"\0\0\2", self.random.randbytes(3)])
        if not self.isolated:
            return "own port", (mapped(four), port), {FORBIDDEN}
        return self.disguised("own port", four, port, {FORBIDDEN})

    def port_zero(self):
        return "port 0", (self.member()[0], 0), {FORBIDDEN}

    def wrong_port(self):
        """A member's address with a port that is none of its own: the next ones, swapped bytes, or any."""
        host, port = self.member()
        other = self.random.choice([port - 1, port + 1, port & 255, port >> 8 | (port & 255) << 8, self.port()])
        if other in (0, *self.own_ports) or (host, other) in self.members:
            return self.wrong_port()
        return "a member's other port", (host, other), {WRONG_PORT}

    def elsewhere(self):
        block = self.random.choice(ELSEWHERE if self.isolated else ELSEWHERE_ON_LOOPBACK)
        packed = somewhere(block, self.random)
        port = self.random.choice([self.member()[1], self.port()])
        if port in self.own_ports:
            return self.elsewhere()
        return f"outside, {block}", (mapped(packed) if len(packed) == 4 else packed, port), {OUTSIDE}

    def member_in_disguise(self):
        """What is allowed is allowed in its one form, not in those that are translated elsewhere."""
        host, port = self.random.choice([member for member in self.members if member[0][:12] == mapped(bytes(4))[:12]])
        forms = [form for form in embeddings(host[12:], self.random) if form[0] != "mapped"]
        name, target, _ = self.random.choice(forms)
        # Bits that may be anything can make up a forbidden address by themselves.
        reasons = {OUTSIDE, FORBIDDEN} if "local prefix" in name or "ISATAP" in name else {OUTSIDE}
        return f"a member, {name}", (target, port), reasons

    def anything(self):
        return "random bits", (self.random.randbytes(16), self.random.randrange(65536)), POLICY
