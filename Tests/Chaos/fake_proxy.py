"""Stands in for a proxy that was taken over: does on its channels what the case file says, then waits to be ended.

Started by the supervisor as its child: descriptor 3 is the control channel. The case file is taken away first, so that
the next start is a real proxy again.
"""

import json
import os
import socket
import struct
import sys
import time

READY = struct.pack("<BBBBI", 1, 1, 0, 0, 0)
LISTENER, DIALER = 5, 3


def send(channel, data, count):
    """One packet, with `count` descriptors."""
    if count == 0:
        channel.send(data)
        return
    null = os.open("/dev/null", os.O_RDWR)
    rights = struct.pack(f"{count}i", *[null] * count)
    channel.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    os.close(null)


def wait_for_channel(control, kind):
    """Reads orders until one of this kind brings its descriptor."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 65536, 4)
        if data and data[1] == kind:
            return socket.socket(fileno=descriptors[0])


def main():
    path = sys.argv[1]
    with open(path) as file:
        case = json.load(file)
    os.unlink(path)
    control = socket.socket(fileno=3)
    control.setblocking(True)
    if case.get("ready"):
        control.send(READY)
        time.sleep(0.2)
    target = control
    if case.get("to") == "dialer":
        target = wait_for_channel(control, DIALER)
        target.setblocking(True)
    try:
        for frame in case.get("frames", []):
            data = bytes.fromhex(frame["data"]) + b"\0" * frame.get("zeros", 0)
            for _ in range(frame.get("times", 1)):
                send(target, data, frame.get("descriptors", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass
    for _ in range(case.get("log_lines", 0)):
        try:
            os.write(2, b"E flood " + b"x" * 200 + b"\n")
        except BlockingIOError:
            time.sleep(0.0001)
    if case.get("close"):
        control.close()
    time.sleep(case.get("linger", 60))
    os._exit(1)


main()
