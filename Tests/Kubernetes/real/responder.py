"""Prefillers or decoders in a process of their own: one loop, fixed answers, so that they cost next to nothing.

    responder.py PORT FILE ADDRESS...      answers every request at these addresses with the bytes of FILE
"""

import selectors
import socket
import sys


class Connection:
    def __init__(self):
        self.buffer = b""

    def take(self, sock):
        """How many whole requests have arrived; None at the end of the connection."""
        try:
            data = sock.recv(65536)
        except OSError:
            return None
        if not data:
            return None
        self.buffer += data
        count = 0
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            length = 0
            for line in self.buffer[:end].split(b"\r\n"):
                if line[:15].lower() == b"content-length:":
                    length = int(line[15:])
            if len(self.buffer) < end + 4 + length:
                break
            self.buffer = self.buffer[end + 4 + length:]
            count += 1
        return count


def main(port, path, addresses):
    with open(path, "rb") as file:
        answer = file.read()
    selector = selectors.DefaultSelector()
    for address in addresses:
        listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(512)
        selector.register(listener, selectors.EVENT_READ, None)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                sock, _ = key.fileobj.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(sock, selectors.EVENT_READ, Connection())
                continue
            count = key.data.take(key.fileobj)
            try:
                if count:
                    key.fileobj.sendall(answer * count)
            except OSError:
                count = None
            if count is None:
                selector.unregister(key.fileobj)
                key.fileobj.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
