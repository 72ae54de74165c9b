"""A network (and, on demand, name files) of a test's own, in which every address of the internet is this machine.

Inside it there is only the loopback interface, so nothing can leave the machine even where the sidecar is at fault.
All of IPv4 and IPv6 is routed to that interface: whoever connects to 169.254.169.254 is answered by whatever the test
lets listen there, so that a connection that should not have been made succeeds and is seen. Needs root.
"""

import contextlib
import ctypes
import fcntl
import ipaddress
import os
import pathlib
import socket
import struct
import tempfile
import threading

CLONE_NEWNET, CLONE_NEWNS, CLONE_FS = 0x4000_0000, 0x0002_0000, 0x0000_0200
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x4_0000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
RTM_NEWROUTE, RTM_NEWADDR = 24, 20

libc = ctypes.CDLL(None, use_errno=True)


def may_have_one():
    """Root alone may make one, and not in every container."""
    if os.geteuid() != 0:
        return False
    child = os.fork()
    if child == 0:
        os._exit(0 if libc.unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 else 1)
    return os.waitpid(child, 0)[1] == 0


def checked(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def enter(addresses=(), hosts=None, resolv_conf=None):
    """Moves this thread, and all it starts from now on, to a machine of its own."""
    checked(libc.unshare(CLONE_NEWNET | CLONE_NEWNS))
    checked(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    for family in (socket.AF_INET, socket.AF_INET6):
        route_everything_here(family)
    for address in addresses:
        add_address(ipaddress.ip_address(address))
    for text, path in ((hosts, "/etc/hosts"), (resolv_conf, "/etc/resolv.conf")):
        if text is not None:
            replace_file(path, text)


@contextlib.contextmanager
def own_machine(**settings):
    """`enter`, and back again. Threads and processes that were started inside stay there."""
    assert threading.current_thread() is threading.main_thread()
    before = [os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY) for kind in ("net", "mnt")]
    directory = os.getcwd()
    try:
        enter(**settings)
        yield
    finally:
        checked(libc.unshare(CLONE_FS))  # threads of this time keep their own view of the files
        for namespace in before:
            checked(libc.setns(namespace, 0))
            os.close(namespace)
        os.chdir(directory)


def connects():
    """How many TCP connections were begun on this machine, whether or not anybody answered."""
    rows = pathlib.Path("/proc/thread-self/net/snmp").read_text().splitlines()
    names, values = [row.split() for row in rows if row.startswith("Tcp:")]
    return int(values[names.index("ActiveOpens")])


def replace_file(path, text):
    """For this machine alone: the file is covered by another one."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        os.chmod(file.name, 0o644)
        path = os.path.realpath(path)
        checked(libc.mount(file.name.encode(), path.encode(), None, MS_BIND, None))


def netlink(kind, body):
    """One request to the kernel, and its verdict."""
    request, acknowledge, create = 1, 4, 0x400
    packet = struct.pack("=IHHII", 16 + len(body), kind, request | acknowledge | create, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.send(packet)
        error = struct.unpack_from("=i", kernel.recv(4096), 16)[0]
    if error:
        raise OSError(-error, os.strerror(-error))


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value


def route_everything_here(family):
    """`ip route add local default dev lo`."""
    table_local, protocol_boot, scope_host, type_local, outgoing_interface = 255, 3, 254, 2, 4
    route = struct.pack(
        "=BBBBBBBBI", family, 0, 0, 0, table_local, protocol_boot, scope_host, type_local, 0)
    netlink(RTM_NEWROUTE, route + attribute(outgoing_interface, struct.pack("=I", socket.if_nametoindex("lo"))))


def add_address(address):
    """Gives the machine one more address of its own."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    no_duplicate_detection, local, plain = 2, 2, 1
    head = struct.pack(
        "=BBBBI", family, address.max_prefixlen, no_duplicate_detection, 0, socket.if_nametoindex("lo"))
    netlink(RTM_NEWADDR, head + attribute(local, address.packed) + attribute(plain, address.packed))
