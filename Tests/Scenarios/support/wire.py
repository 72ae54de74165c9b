"""HTTP/1.1 on the wire, read strictly and written by hand.

The reader accepts only the normal form (RFC 9112 without its leniencies), so a sidecar that emits anything
ambiguous fails the scenario even where the scenario looks at something else.
"""

import json
import re
from dataclasses import dataclass, field

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}\Z")


class Malformed(AssertionError):
    """The peer wrote something that is not strict HTTP/1.1."""


class Closed(ConnectionError):
    """The peer closed before the message was complete; `partial` holds what had arrived."""

    def __init__(self, partial):
        super().__init__(f"connection closed after {len(partial)} bytes: {partial[:200]!r}")
        self.partial = partial


@dataclass
class Message:
    """A request or a response: start line words, header list in order, body as bytes."""

    start: list
    headers: list
    body: bytes = b""
    head: bytes = b""
    chunked: bool = False
    trailers: list = field(default_factory=list)
    complete: bool = True

    def all(self, name):
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name):
        """The value of a header that may be present at most once; None when absent."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} is there {len(values)} times: {values}"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    @property
    def members(self):
        """The top-level members of a JSON body in order, duplicates kept."""
        return json.loads(self.body, object_pairs_hook=list)


class Request(Message):
    connection = 0  # number of the connection that brought it
    method = property(lambda self: self.start[0])
    target = property(lambda self: self.start[1])
    path = property(lambda self: self.start[1].split("?")[0])


class Response(Message):
    interim = ()
    status = property(lambda self: int(self.start[1]))
    version = property(lambda self: self.start[0])


class Reader:
    """Buffered reading from a socket; a reset counts as a close (`was_reset` tells them apart)."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.was_reset = False

    def fill(self):
        try:
            data = self.sock.recv(262144)
        except (ConnectionResetError, BrokenPipeError):
            self.was_reset = True
            data = b""
        self.buffer += data
        return bool(data)

    def until(self, mark):
        searched = 0
        while (at := self.buffer.find(mark, max(0, searched - len(mark)))) < 0:
            searched = len(self.buffer)
            if not self.fill():
                raise Closed(self.buffer)
        at += len(mark)
        piece, self.buffer = self.buffer[:at], self.buffer[at:]
        return piece

    def exactly(self, count):
        pieces, have = [self.buffer], len(self.buffer)
        while have < count:
            self.buffer = b""
            if not self.fill():
                raise Closed(b"".join(pieces))
            pieces.append(self.buffer)
            have += len(self.buffer)
        whole = b"".join(pieces)
        self.buffer = whole[count:]
        return whole[:count]

    def rest(self):
        """Everything up to the close."""
        pieces = [self.buffer]
        self.buffer = b""
        while self.fill():
            pieces.append(self.buffer)
            self.buffer = b""
        return b"".join(pieces)


def require(condition, what, raw):
    if not condition:
        raise Malformed(f"{what}: {raw[:300]!r}")


def parse_head(raw):
    """Start line words and header list of a head that ends with an empty line."""
    require(raw.endswith(b"\r\n\r\n"), "head without its end", raw)
    lines = raw[:-4].split(b"\r\n")
    require(not any(b"\n" in line or b"\r" in line or b"\0" in line for line in lines), "bare CR, LF or NUL", raw)
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        require(colon and TOKEN.match(name), "bad header line", line)
        require(VALUE.match(value), "control character in a value", line)
        headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    return lines[0].decode("latin-1").split(" ", 2), headers


def framing(message):
    """Content length, "chunked" or None; ambiguous framing is malformed."""
    lengths, codings = message.all("content-length"), message.all("transfer-encoding")
    require(not (lengths and codings), "both framings", message.head)
    require(len(lengths) <= 1 and len(codings) <= 1, "repeated framing", message.head)
    if codings:
        require(codings[0].lower() == "chunked", "unknown coding", message.head)
        return "chunked"
    if lengths:
        require(re.fullmatch("[0-9]+", lengths[0]), "bad Content-Length", message.head)
        return int(lengths[0])
    return None


def read_body(reader, message, how, until_close=False):
    """Reads the body into the message; an early close leaves `complete` false."""
    try:
        if how == "chunked":
            message.chunked = True
            while True:
                size = reader.until(b"\r\n")[:-2]
                require(CHUNK_SIZE.match(size), "bad chunk size", size)
                if int(size, 16) == 0:
                    break
                start = len(message.body)
                try:
                    message.body += reader.exactly(int(size, 16))
                except Closed as closed:
                    message.body = message.body[:start] + closed.partial
                    raise
                require(reader.exactly(2) == b"\r\n", "chunk without its CRLF", size)
            while (line := reader.until(b"\r\n")) != b"\r\n":
                message.trailers.append(line[:-2].decode("latin-1"))
        elif how is not None:
            message.body = reader.exactly(how)
        elif until_close:
            message.body = reader.rest()
            message.complete = not reader.was_reset
    except Closed as closed:
        if how != "chunked":
            message.body = closed.partial
        message.complete = False


def encode_chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def head(start, headers):
    """A head from a start line and a list of (name, value); names and values go out as they are."""
    lines = [start] + [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def response(status=200, body=b"", headers=(), reason="Whatever", content_type="application/json"):
    """A complete response with Content-Length."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
    fixed = [("content-type", content_type), ("content-length", len(body))] + list(headers)
    return head(f"HTTP/1.1 {status} {reason}", fixed) + body


def chunked_response(chunks, status=200, headers=(), content_type="text/event-stream", last=True):
    """A complete chunked response, one chunk for each element."""
    fixed = [("content-type", content_type), ("transfer-encoding", "chunked")] + list(headers)
    body = b"".join(encode_chunk(chunk) for chunk in chunks)
    return head(f"HTTP/1.1 {status} OK", fixed) + body + (b"0\r\n\r\n" if last else b"")


def request(method="GET", target="/v1/models", headers=(), body=None, host="sidecar"):
    """A complete request; a body brings its Content-Length unless the headers name a framing."""
    fixed = [("Host", host)] + list(headers)
    names = {name.lower() for name, _ in headers}
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        fixed.append(("Content-Length", len(body)))
    if body is not None and "content-type" not in names:
        fixed.append(("Content-Type", "application/json"))
    return head(f"{method} {target} HTTP/1.1", fixed) + (body or b"")
