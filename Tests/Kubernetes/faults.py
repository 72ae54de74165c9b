"""What can go wrong with one request: each is a function (exchange) for `FakeAPI.fault`."""

from answers import break_off, encode, status_object
from support.wire import encode_chunk, head


def status(code, reason="", message="", headers=(), **details):
    """A Status object instead of an answer."""
    return lambda exchange: exchange.send_status(code, reason, message, headers, **details)


gone = status(410, "Expired", "The provided resourceVersion is too old")
unauthorized = status(401, "Unauthorized", "Unauthorized")
forbidden = status(403, "Forbidden", "forbidden: User cannot do that")
internal = status(500, "InternalError", "etcdserver: request timed out")
starting = status(503, "ServiceUnavailable", "server is starting", [("Retry-After", 10)], retryAfterSeconds=10)
unavailable = status(503, "ServiceUnavailable", "apiserver is shutting down")
too_large_version = status(
    504, "Timeout", "Timeout: Too large resource version: 9, current: 8", retryAfterSeconds=1,
    causes=[{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}])


def busy(seconds):
    """429 with Retry-After."""
    return status(429, "TooManyRequests", "too many requests", [("Retry-After", seconds)], retryAfterSeconds=seconds)


def not_found(exchange):
    """What a server says whose resource isn't installed: text, no Status."""
    exchange.send_body(404, b"404 page not found\n", content_type="text/plain; charset=utf-8")


def silent(exchange):
    """The request is taken and nothing comes back."""
    exchange.hold()


def reset(exchange):
    _break(exchange, True)


def closed(exchange):
    _break(exchange, False)


def _break(exchange, hard):
    exchange.keep = False
    break_off(exchange.sock, hard)


def stalled_page(exchange):
    """A list whose answer stops in the middle of its body."""
    send = exchange.send

    def half(data):
        start, mark, body = data.partition(b"\r\n\r\n")
        send(start + mark + body[:len(body) // 2])
        exchange.hold()

    exchange.send = half
    exchange.answer()


def cut_page(exchange):
    """A list whose connection breaks off in the middle of its body."""
    send = exchange.send

    def half(data):
        start, mark, body = data.partition(b"\r\n\r\n")
        send(start + mark + body[:len(body) // 2])
        _break(exchange, False)

    exchange.send = half
    exchange.answer()


def body(data, code=200, content_type="application/json"):
    """These bytes as a whole answer."""
    return lambda exchange: exchange.send_body(code, data, content_type=content_type)


def ends_at_once(exchange):
    """A watch that ends cleanly before any event."""
    exchange.send_watch_head()
    exchange.send(b"0\r\n\r\n")


def quiet_watch(exchange):
    """A watch that begins and never says anything."""
    exchange.send_watch_head()
    exchange.hold()


def watch_of(*lines, ends=True):
    """A watch that sends these lines (bytes, or documents to be encoded) and ends, or says nothing more."""

    def fault(exchange):
        exchange.send_watch_head()
        for line in lines:
            exchange.send(encode_chunk(line if isinstance(line, bytes) else encode(line)))
        if ends:
            exchange.send(b"0\r\n\r\n")
        else:
            exchange.hold()

    return fault


def error_event(code, reason, message=""):
    """A watch whose only event is an ERROR."""
    return watch_of({"type": "ERROR", "object": status_object(code, reason, message)})


def gone_event(exchange):
    error_event(410, "Expired", "too old resource version: 1 (2)")(exchange)


def head_only(code=200):
    """A head that promises a body, and then the end of the connection."""

    def fault(exchange):
        exchange.send(head(f"HTTP/1.1 {code} X", [("Content-Length", 100)]))
        _break(exchange, False)

    return fault
