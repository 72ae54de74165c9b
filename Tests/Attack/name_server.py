"""Names on the machine of the attack: a hosts file, and a name server that changes its mind."""

import select
import socket
import struct
import threading

NAME_SERVER = "127.0.0.53"
HOSTS = {
    "localhost": ["127.0.0.1", "::1"],
    "inside.attack": ["127.0.0.2"],
    "outside.attack": ["127.0.0.4"],
    "metadata.attack": ["169.254.169.254"],
    "own.attack": ["10.9.8.7"],
    "api.attack": ["10.96.0.1"],
    "nat64.attack": ["64:ff9b::a9fe:a9fe"],
    "mapped.attack": ["::ffff:169.254.169.254"],
    "both.attack": ["169.254.169.254", "127.0.0.2"],
}


def hosts_file():
    return "".join(f"{address} {name}\n" for name, addresses in HOSTS.items() for address in addresses)


class NameServer:
    """Says of every name under rebind.attack that it is a member at one time and the metadata service at the next, for
    no time at all; of all others that they don't exist."""

    ADDRESSES = ["127.0.0.2", "169.254.169.254", "127.0.0.4"]

    def __enter__(self):
        self.questions = self.rebound = 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((NAME_SERVER, 53))
        self.running = True
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.running = False
        self.thread.join(5)
        self.sock.close()

    def _serve(self):
        while self.running:
            if select.select([self.sock], [], [], 0.1)[0]:
                query, client = self.sock.recvfrom(4096)
                self.questions += 1
                self.sock.sendto(self._answer(query), client)

    def _answer(self, query):
        end = query.index(b"\0", 12) + 5
        question = query[12:end]
        is_address = question[-4:-2] == b"\0\1"
        if b"\6rebind" not in question.lower() or not is_address:
            code = 0 if b"\6rebind" in question.lower() else 3
            return query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, 0, 0, 0) + question
        self.rebound += 1
        address = socket.inet_aton(self.ADDRESSES[self.rebound % len(self.ADDRESSES)])
        record = struct.pack(">HHHIH", 0xC00C, 1, 1, 0, 4) + address
        return query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0) + question + record
