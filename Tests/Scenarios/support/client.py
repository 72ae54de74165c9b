"""A client on a raw socket, and the checks that most scenarios make on an answer."""

import socket

from .wire import Closed, Message, Reader, Response, framing, parse_head, read_body, request

PATIENCE = 15  # seconds; no scenario waits longer than this for one read


class Client:
    """One connection to a port on this machine, used as a context manager."""

    def __init__(self, port, host="127.0.0.1", receive_buffer=None, timeout=PATIENCE):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect((host, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = Reader(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        """Sends; a peer that has already hung up is no error here, its answer may still be readable."""
        try:
            self.sock.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def response(self, method="GET"):
        """The next final response; 1xx before it are kept in `interim`. Closed when none begins."""
        interim = []
        while True:
            raw = self.reader.until(b"\r\n\r\n")
            start, headers = parse_head(raw)
            answer = Response(start, headers, head=raw)
            assert start[0] in ("HTTP/1.1", "HTTP/1.0") and len(start[1]) == 3, raw
            if answer.status == 101 or answer.status >= 200:
                break
            interim.append(answer.status)
        answer.interim = interim
        if method != "HEAD" and answer.status not in (101, 204, 304):
            how = framing(answer)
            read_body(self.reader, answer, how, until_close=True)
        return answer

    def body_part(self, count):
        """Reads raw bytes of a stream until `count` bytes are there."""
        return self.reader.exactly(count)

    def read_until(self, mark):
        return self.reader.until(mark)

    def wait_until_closed(self):
        """Bytes that came before the close; times out when the connection stays open."""
        return self.reader.rest()

    def is_silent(self, seconds):
        """True when neither a byte nor a close arrives within that time."""
        if self.reader.buffer:
            return False
        before = self.sock.gettimeout()
        self.sock.settimeout(seconds)
        try:
            self.reader.fill()
            return False
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(before)


def ask(port, method="GET", target="/v1/models", headers=(), body=None, host="127.0.0.1"):
    """One request on a connection of its own."""
    with Client(port, host) as client:
        client.send(request(method, target, headers, body))
        return client.response(method)


def ask_raw(port, raw):
    """Sends raw bytes and returns (the first response, all bytes after it up to the close)."""
    with Client(port) as client:
        client.send(raw)
        answer = client.response()
        return answer, client.wait_until_closed()


def assert_error(answer, status, kind=None):
    """The answer is a complete error in vLLM's shape."""
    statuses = status if isinstance(status, (tuple, set, list)) else (status,)
    assert answer.status in statuses, f"{answer.status} instead of {status}: {answer.body[:500]!r}"
    assert answer.complete, "the error was cut off"
    assert answer.one("content-type").split(";")[0] == "application/json"
    document = answer.json()
    assert set(document) == {"error"}, document
    error = document["error"]
    assert set(error) == {"message", "type", "param", "code"}, error
    assert isinstance(error["message"], str) and error["message"]
    assert isinstance(error["type"], str) and error["type"]
    assert error["param"] is None
    assert error["code"] == answer.status
    if kind:
        assert error["type"] == kind, error
    return error["message"]


def assert_refused_and_closed(port, raw, status=400):
    """The raw bytes get one error, then the connection closes: bytes after them are never answered."""
    with Client(port) as client:
        client.send(raw)
        answer = client.response()
        assert_error(answer, status)
        rest = client.wait_until_closed()
    assert rest == b"", f"bytes after the refusal were answered: {rest[:200]!r}"
    return answer


__all__ = ["Client", "Closed", "Message", "ask", "ask_raw", "assert_error", "assert_refused_and_closed"]
