"""An answer that the sidecar has whole, and that its client leaves unread: more than the kernel takes for a socket."""

from .behaviours import CHAT
from .client import Client
from .wire import request, response

ROUTE = "x-prefiller-host-port"
# The sidecar collects an answer of JSON to rewrite its usage, and sends it in one go.
ANSWER = b'{"filler":"' + b"f" * (14 << 20) + b'"}'


def leave_unread(sidecar, prefiller, headers=()):
    """A client whose request is done for the sidecar and its engines, with most of the answer still to go out."""
    sidecar.decoder.script = lambda connection, request: response(body=ANSWER)
    client = Client(sidecar.port, receive_buffer=64 << 10)
    client.send(request("POST", CHAT, [(ROUTE, prefiller.address), *headers], b'{"messages":[]}'))
    sidecar.decoder.wait_for_requests(1)
    sidecar.wait_for_metric(0, "sidecar_requests_in_flight")
    return client
