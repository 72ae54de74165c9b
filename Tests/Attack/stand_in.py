"""Stands in for a proxy that was taken over: whatever the supervisor gives to a proxy it hands on to the attack.

Started by the supervisor as its child; descriptor 3 is the control channel. Argument: the attack's Unix socket. It says
what keeps it alive, ready, pong, drained, and nothing else; all the rest is the attack's to say, in its place.
"""

import os
import socket
import struct
import sys

HEADER = struct.Struct("<BBBBI")
SEGMENT, DRAIN, STOP, PING = 2, 9, 10, 11
READY, PONG, DRAINED = 1, 2, 3


def main():
    control = socket.socket(fileno=3)
    control.setblocking(True)

    def say(kind, payload=b""):
        control.send(HEADER.pack(1, kind, 0, 0, len(payload)) + payload)

    attack = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    attack.connect(sys.argv[1])
    # The control channel first, with our process id.
    socket.send_fds(attack, [struct.pack("<I", os.getpid())], [3])
    while True:
        packet, descriptors, _, _ = socket.recv_fds(control, 65536, 4)
        if not packet:
            os._exit(0)
        kind, payload = packet[1], packet[HEADER.size:]
        if descriptors:
            try:
                socket.send_fds(attack, [packet], descriptors)
            except OSError:
                pass  # the attack is over
            for descriptor in descriptors:
                os.close(descriptor)
        if kind == SEGMENT:
            say(READY)
        elif kind == PING:
            say(PONG, payload)
        elif kind == DRAIN:
            say(DRAINED, bytes(4))
            os._exit(0)
        elif kind == STOP:
            os._exit(0)


main()
