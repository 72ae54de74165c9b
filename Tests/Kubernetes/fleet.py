"""The pool's members: prefillers at several loopback addresses, all at one port, as pods of one pool have it."""

import socket

from support.behaviours import prefills
from support.engine import Engine, free_port

V4 = [f"127.0.0.{number}" for number in range(11, 17)]
V6 = "::1"


def port_free_at(addresses):
    while True:
        port = free_port()
        try:
            for address in addresses:
                with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
                    probe.bind((address, port))
            return port
        except OSError:
            continue


class Fleet:
    def __init__(self):
        self.port = port_free_at([*V4, V6])
        self.other_port = port_free_at([V4[0]])
        self.engines = {address: Engine(prefills(), host=address, port=self.port) for address in [*V4, V6]}
        # The first member at another port, which no pool declares.
        self.beside = Engine(prefills(), host=V4[0], port=self.other_port)

    def every(self):
        return [*self.engines.values(), self.beside]

    def at(self, number):
        """Address and port of a member, counted from 0, as they stand in the routing header."""
        return f"{V4[number]}:{self.port}"

    def reset(self):
        for engine in self.every():
            engine.reset()

    def failures(self):
        return [failure for engine in self.every() for failure in engine.failures]

    def close(self):
        for engine in self.every():
            engine.close()
