"""Values of the routing header, each with its exact outcome under a fixed allowlist.

Allowed are 127.0.0.2:{A}, 127.0.0.3:{B} and [::1]:{C}, where engines listen, and 127.0.0.9:{D}, where nobody does; and
every address of NEVER_CALLED, which must make no difference. At {A} on every other address a canary listens.
{X} is a free port, {ADMIN} and {SERVING} are the sidecar's own.
"""

import re

LOOPBACK = re.compile(r"(http://)?(127\.|localhost:|\[::1\]|\[::ffff:127\.)")

# Served: by these prefillers and the decoder, or by the decoder alone.
A, B, C, ALONE = ("A",), ("B",), ("C",), ()
# Refused: status, type of the error, and the reason under which it is counted (None: by the head parser, not counted).
BAD = (400, "BadRequestError", "malformed")
HEAD = (400, "BadRequestError", None)
OUTSIDE = (403, "prefill_target_not_allowed", "not_in_pool")
PORT = (403, "prefill_target_not_allowed", "port_not_allowed")
NEVER = (403, "prefill_target_forbidden", "forbidden_address")
DOWN = (504, "prefiller_unreachable", None)

# A list stands for several header lines.
SERVED = [
    ("127.0.0.2:{A}", A),
    ("127.0.0.3:{B}", B),
    ("[::1]:{C}", C),
    ("http://127.0.0.2:{A}", A),
    ("http://[::1]:{C}", C),
    ("HTTP://127.0.0.2:{A}", A),
    ("  127.0.0.2:{A}\t ", A),
    # One address has many spellings in IPv6: they are the same target.
    ("[::ffff:127.0.0.2]:{A}", A),
    ("[::FFFF:127.0.0.2]:{A}", A),
    ("[::ffff:7f00:2]:{A}", A),
    ("[::FFFF:7F00:0002]:{A}", A),
    ("[0:0:0:0:0:ffff:127.0.0.2]:{A}", A),
    ("[0000:0000:0000:0000:0000:ffff:7f00:0002]:{A}", A),
    ("http://[::ffff:127.0.0.3]:{B}", B),
    ("[0:0:0:0:0:0:0:1]:{C}", C),
    ("[0000:0000:0000:0000:0000:0000:0000:0001]:{C}", C),
    ("[::0001]:{C}", C),
    ("[0::1]:{C}", C),
    ("[::0:1]:{C}", C),
    ("[::0.0.0.1]:{C}", C),
    ("[0:0:0:0:0:0:0.0.0.1]:{C}", C),
    # localhost is 127.0.0.1, then ::1.
    ("localhost:{C}", C),
    ("LocalHost:{C}", C),
    ("http://localhost:{C}", C),
    # Nothing named.
    ("", ALONE),
    (" ", ALONE),
    (" \t \t", ALONE),
    (None, ALONE),
    # Candidates: the first that is allowed and can be reached.
    ("127.0.0.2:{A},127.0.0.3:{B}", A),
    ("127.0.0.3:{B} , 127.0.0.2:{A}", B),
    ("127.0.0.4:{A},127.0.0.3:{B}", B),
    ("127.0.0.2:{X},127.0.0.3:{B}", B),
    ("127.0.0.4:{A},127.0.0.2:{X},[::1]:{C}", C),
    ("127.0.0.9:{D},127.0.0.2:{A}", A),
    ("127.0.0.9:{D},127.0.0.9:{D},127.0.0.4:{A},127.0.0.3:{B},127.0.0.2:{A}", B),
    ("127.0.0.2:{ADMIN},127.0.0.2:{A}", A),
    ("127.0.0.1:{ADMIN},127.0.0.2:{A}", A),
    ("localhost:{A},127.0.0.2:{A}", A),
    (["127.0.0.2:{A}", "127.0.0.3:{B}"], A),
    (["127.0.0.4:{A}", "http://127.0.0.3:{B}"], B),
    (["127.0.0.9:{D}", "127.0.0.4:{A},127.0.0.2:{A}"], A),
    (["127.0.0.9:{D},127.0.0.4:{A}", "[::1]:{C},127.0.0.2:{A}"], C),
    (",".join(["127.0.0.4:{A}"] * 15 + ["127.0.0.2:{A}"]), A),
]

MALFORMED = [
    # A host, a colon, a port, and nothing else.
    "127.0.0.2", "127.0.0.2:", ":{A}", "{A}", ":", "http://", "http://:{A}", "http://127.0.0.2", "[::1]",
    "[::1]:", "localhost",
    "127.0.0.2:{A}:{A}", "127.0.0.2::{A}", "127.0.0.2 {A}", "127.0.0.2;{A}", "127.0.0.2.{A}",
    # Ports.
    "127.0.0.2:0", "127.0.0.2:65536", "127.0.0.2:99999", "127.0.0.2:4294967376", "127.0.0.2:18446744073709551696",
    "127.0.0.2:0{A}", "127.0.0.2:00{A}", "127.0.0.2:+{A}", "127.0.0.2:-{A}", "127.0.0.2: {A}", "127.0.0.2:{A} x",
    "127.0.0.2:\t{A}", "127.0.0.2:0x50", "127.0.0.2:{A}.0", "127.0.0.2:8e3", "127.0.0.2:http", "127.0.0.2:８０",
    "127.0.0.2:{A}_", "127.0.0.2:1_000",
    # User information (W1).
    "127.0.0.2:x@127.0.0.4:{A}", "127.0.0.2:x@127.0.0.4", "127.0.0.2:{A}@127.0.0.4:{A}", "127.0.0.2@127.0.0.4:{A}",
    "user@127.0.0.2:{A}", "user:pass@127.0.0.2:{A}", "@127.0.0.2:{A}", "http://127.0.0.2:x@127.0.0.4",
    "http://127.0.0.2:{A}@127.0.0.4:{A}", "127.0.0.4:{A}@127.0.0.2:{A}", "127.0.0.2%40127.0.0.4:{A}",
    # Path, query, fragment (W2).
    "127.0.0.2:{A}/", "127.0.0.2:{A}/v1", "127.0.0.2:{A}/../x", "127.0.0.2:{A}?", "127.0.0.2:{A}?x=1",
    "127.0.0.2:{A}#",
    "127.0.0.2:{A}#@127.0.0.4", "127.0.0.2/:{A}", "127.0.0.4#127.0.0.2:{A}", "127.0.0.4?127.0.0.2:{A}",
    "127.0.0.4/127.0.0.2:{A}", "127.0.0.2:{A}\\", "127.0.0.2\\:{A}", "127.0.0.4\\@127.0.0.2:{A}",
    # Schemes.
    "https://127.0.0.2:{A}", "ftp://127.0.0.2:{A}", "file:///127.0.0.2:{A}", "gopher://127.0.0.2:{A}",
    "//127.0.0.2:{A}",
    "http:127.0.0.2:{A}", "http:/127.0.0.2:{A}", "http:///127.0.0.2:{A}", "http://http://127.0.0.2:{A}",
    "http//127.0.0.2:{A}",
    " http:// 127.0.0.2:{A}", "unix:/tmp/x:{A}", "tcp://127.0.0.2:{A}", "http+unix://127.0.0.2:{A}",
    # Odd spellings of IPv4 (W10).
    "127.2:{A}", "127.0.2:{A}", "2130706434:{A}", "0x7f000002:{A}", "0x7f.0.0.2:{A}", "127.0.0.0x2:{A}",
    "0177.0.0.2:{A}",
    "017700000002:{A}", "127.0.0.02:{A}", "127.0.0.002:{A}", "127.00.0.2:{A}", "0127.0.0.2:{A}", "127.0.0.256:{A}",
    "127.0.0.258:{A}", "127.0.0.2.:{A}", ".127.0.0.2:{A}", "127..0.2:{A}", "127.0.0.2.0:{A}", "127.0.0.+2:{A}",
    "127.0.0.-2:{A}", "127.0.0. 2:{A}", "127 .0.0.2:{A}", "127,0,0,2:{A}", "127.0.0:2:{A}", "127.0.0.2%:{A}",
    "１２７.0.0.2:{A}", "127。0。0。2:{A}", "127．0．0．2:{A}", "①②⑦.0.0.2:{A}", "127.0.0.2\u00ad:{A}",
    "127.0.0.2\u200b:{A}",
    "127.0.0.2/32:{A}", "4294967295:80", "127.0.0.2-3:{A}", "*:{A}", "127.0.0.*:{A}",
    # Brackets and IPv6.
    "::1:{C}", "::1", "[::1:{C}", "::1]:{C}", "[::1]{C}", "[[::1]]:{C}", "[]:{C}", "[ ::1]:{C}", "[::1 ]:{C}",
    "[:1]:{C}",
    "[1:]:{C}", "[:::1]:{C}", "[::1::]:{C}", "[1:2:3:4:5:6:7]:{C}", "[1:2:3:4:5:6:7:8:9]:{C}",
    "[::1:2:3:4:5:6:7:8]:{C}",
    "[00000::1]:{C}", "[::00001]:{C}", "[::g]:{C}", "[::1%1]:{C}", "[::1%lo]:{C}", "[::1%25lo]:{C}",
    "[fe80::1%eth0]:{C}",
    "[::1/128]:{C}", "[127.0.0.2]:{A}", "[::ffff:127.0.0.02]:{A}", "[::ffff:127.2]:{A}", "[::ffff:0x7f.0.0.2]:{A}",
    "[::ffff:127.0.0.2:0]:{A}", "[::127.0.0.2.]:{A}", "[127.0.0.2::]:{A}", "[v1.::1]:{C}",
    "[::ffff:2130706434]:{A}",
    "x[::1]:{C}", "[::1]x:{C}", "[::1].:{C}", "(::1):{C}", "[localhost]:{C}",
    # Names: none are known here (W4).
    "localhost.:{C}", "localhost.localdomain:{C}", "ip6-localhost:{C}", "sub.localhost:{C}", "prefill-0:{A}",
    "prefill-0.pool.svc.cluster.local:{A}", "kubernetes.default.svc:443", "metadata.google.internal:80",
    "a_b:{A}", "-a:{A}",
    "127.0.0.2.nip.io:{A}", "bücher.example:{A}", "xn--bcher-kva.example:{A}", "127.0.0.2.example:{A}",
    # Encodings and quotes.
    "%31%32%37.0.0.2:{A}", "127%2e0%2e0%2e2:{A}", "127.0.0.2%3a{A}", "127.0.0.2%00:{A}", "127.0.0.2:{A}%00",
    "127.0.0.2:{A}%0d%0a",
    '"127.0.0.2:{A}"', "'127.0.0.2:{A}'", "<127.0.0.2:{A}>", "127.0.0.2:{A};q=1", "127.0.0.2:{A}\xa0",
    "\ufeff127.0.0.2:{A}",
    "=?utf-8?q?127.0.0.2?=:{A}", "a" * 5000 + ":{A}",
    # Lists: one element that is none spoils the whole, and an empty element is one.
    ",", ",,", " , ", "127.0.0.2:{A},", ",127.0.0.2:{A}", "127.0.0.2:{A},,127.0.0.3:{B}",
    "127.0.0.2:{A}, ,127.0.0.3:{B}",
    "127.0.0.2:{A},x", "x,127.0.0.2:{A}", "127.0.0.2:{A},127.0.0.3", "127.0.0.2:{A},https://127.0.0.3:{B}",
    "127.0.0.2:{A},127.0.0.3:{B}/", "127.0.0.2:{A};127.0.0.3:{B}", "127.0.0.2:{A} 127.0.0.3:{B}",
    "127.0.0.2:{A},user@127.0.0.3:{B}",
    "127.0.0.4:{A},127.2:{A}", ",".join(["127.0.0.2:{A}"] * 17),
    ["127.0.0.2:{A}", ""], ["", "127.0.0.2:{A}"], ["", ""], ["127.0.0.2:{A}", "127.0.0.3"],
    ["127.0.0.3", "127.0.0.2:{A}"],
    ["127.0.0.2:{A},", "127.0.0.3:{B}"], ["127.0.0.2:{A}", ","], ["127.0.0", ".2:{A}"], ["127.0.0.2", "{A}"],
    ["127.0.0.2:{A}", "127.0.0.3:{B}@x"], ["127.0.0.2:{A}"] * 17,
]

# Refused by the head parser; the connection ends.
IN_THE_HEAD = [
    "127.0.0.2:{A}\0", "\x00127.0.0.2:{A}", "127.0.0.2\0:{A}", "127.0.0.2:{A}\rx", "127.0.0.2:{A}\nx",
    "127.0.0.2:{A}\r\n 127.0.0.3:{B}",
    "127.0.0.2:{A}\r\n\tx", "127.0.0.2:{A}\nX-Y: z", "127.0.0.2:{A}\x01", "127.0.0.2:\x1b{A}",
    "127.0.0.2:{A}\x7f", "127.0.0.2\x0b:{A}",
    "127.0.0.2:{A}\x08\x08", "\x0c127.0.0.2:{A}",
]

REFUSED = [
    # Not in the list.
    ("127.0.0.4:{A}", OUTSIDE),
    ("127.0.0.6:{A}", OUTSIDE),
    ("127.0.0.22:{A}", OUTSIDE),
    ("127.0.0.20:{A}", OUTSIDE),
    ("12.7.0.0:{A}", OUTSIDE),
    ("2.0.0.127:{A}", OUTSIDE),
    ("http://127.0.0.4:{A}", OUTSIDE),
    ("[::ffff:127.0.0.4]:{A}", OUTSIDE),
    ("[::127.0.0.2]:{A}", OUTSIDE),
    ("[::ffff:0:127.0.0.2]:{A}", OUTSIDE),
    ("[64:ff9b::127.0.0.2]:{A}", OUTSIDE),
    ("[64:ff9b::7f00:2]:{A}", OUTSIDE),
    ("[2002:7f00:2::]:{A}", OUTSIDE),
    ("[::2]:{C}", OUTSIDE),
    ("[1::]:{C}", OUTSIDE),
    ("[fd00::1]:{C}", OUTSIDE),
    ("10.0.0.5:8000", OUTSIDE),
    ("127.0.0.4:{A},127.0.0.2:{X}", OUTSIDE),
    (["127.0.0.4:{A}", "127.0.0.6:{A}"], OUTSIDE),
    # Always refused, but the list is asked first.
    ("169.254.169.253:80", OUTSIDE),
    ("[64:ff9b::169.254.169.253]:80", OUTSIDE),
    ("[fe80::2]:80", OUTSIDE),
    ("224.0.0.2:80", OUTSIDE),
    # In the list, but not with this port (W3).
    ("127.0.0.2:{X}", PORT),
    ("127.0.0.2:{B}", PORT),
    ("127.0.0.3:{A}", PORT),
    ("[::1]:{A}", PORT),
    ("127.0.0.1:{A}", PORT),  # allowed with {ADMIN} only
    ("localhost:{A}", PORT),
    ("[::ffff:127.0.0.2]:{X}", PORT),
    ("http://127.0.0.2:80", PORT),
    ("127.0.0.2:1", PORT),
    ("127.0.0.2:65535", PORT),
    ("127.0.0.2:10250", PORT),
    ("[::1]:{X}", PORT),
    ("127.0.0.2:{X},127.0.0.4:{A}", PORT),
    # In the list, and nobody there.
    ("127.0.0.9:{D}", DOWN),
    ("127.0.0.4:{A},127.0.0.9:{D}", DOWN),
    ("127.0.0.9:{D},127.0.0.9:{D}", DOWN),
]

# Always refused. All of these stand in the allowlist too.
NEVER_CALLED = [
    "169.254.169.254:80", "169.254.169.254:{A}", "169.254.0.1:80", "169.254.255.255:80", "169.254.170.2:80",
    "100.100.100.200:80",
    "168.63.129.16:80", "0.0.0.0:{A}", "0.1.2.3:{A}", "0.255.255.255:80", "224.0.0.1:80", "239.255.255.250:1900",
    "240.0.0.1:80", "255.255.255.255:80", "[::]:{A}", "[::ffff:0.0.0.0]:{A}", "[fe80::1]:80", "[febf::1]:80",
    "[fec0::1]:80", "[ff02::1]:80",
    "[ff0e::1]:80", "[fd00:ec2::254]:80", "[FD00:0EC2:0:0:0:0:0:0254]:80", "http://169.254.169.254:80",
    "[::ffff:169.254.169.254]:80", "[::ffff:a9fe:a9fe]:80", "[0:0:0:0:0:FFFF:A9FE:A9FE]:80",
    "[::169.254.169.254]:80",
    "[::a9fe:a9fe]:80", "[::ffff:0:169.254.169.254]:80", "[64:ff9b::169.254.169.254]:80", "[64:FF9B::A9FE:A9FE]:80",
    "[64:ff9b:1::169.254.169.254]:80", "[64:ff9b:1:a9fe:a9:fe00::]:80", "[64:ff9b:1:a9:fe:a9fe::]:80",
    "[64:ff9b:1:0:a9:fea9:fe00:0]:80", "[64:ff9b:1:2:3:4:a9fe:a9fe]:80", "[2002:a9fe:a9fe::1]:80",
    "[2002:a9fe:a9fe:1:2:3:4:5]:80", "[2001:0:1:2:3:4:5601:5601]:80", "[2001:db8::5efe:a9fe:a9fe]:80",
    "[2001:db8::200:5efe:a9fe:a9fe]:80", "[::ffff:100.100.100.200]:80", "[64:ff9b::100.100.100.200]:80",
    "[2002:a83f:8110::]:80", "[64:ff9b::e000:1]:80", "[::ffff:224.0.0.1]:80", "[::ffff:255.255.255.255]:80",
    "10.9.8.7:{A}", "[::ffff:10.9.8.7]:{A}", "[64:ff9b::10.9.8.7]:{A}", "[fd42::7]:{A}", "10.96.0.1:443",
    "10.96.0.1:{A}",
    "[64:ff9b::a60:1]:443", "[2002:a60:1::]:443", "127.0.0.1:{ADMIN}", "127.0.0.1:{SERVING}", "[::1]:{ADMIN}",
    "[::1]:{SERVING}",
    "127.0.0.2:{ADMIN}", "localhost:{ADMIN}", "localhost:{SERVING}", "[::ffff:127.0.0.1]:{ADMIN}",
    "[64:ff9b::127.0.0.1]:{ADMIN}",
    "169.254.169.254:80,10.9.8.7:{A}",
]


def also_allowed(ports):
    """The always refused ones as --allow takes them, each once."""
    entries = []
    for value in NEVER_CALLED:
        for entry in value.replace("http://", "").replace("localhost", "127.0.0.1").split(","):
            entries.append(entry.format(**ports))
    return list(dict.fromkeys(entries))


def cases():
    """(value, outcome) of every row; those of NEVER_CALLED stand apart."""
    yield from SERVED
    yield from ((value, BAD) for value in MALFORMED)
    yield from ((value, HEAD) for value in IN_THE_HEAD)
    yield from REFUSED


def stays_here(value):
    """Would a dial to any of these addresses, if it were made, stay on this machine?"""
    candidates = ",".join(value if isinstance(value, list) else [value]).split(",")
    return all(LOOPBACK.match(candidate) for candidate in candidates)


def written(value, ports):
    """The header lines of a value, as bytes on the wire in Latin-1."""
    lines = [] if value is None else value if isinstance(value, list) else [value]
    return [line.format(**ports).encode().decode("latin-1") for line in lines]
