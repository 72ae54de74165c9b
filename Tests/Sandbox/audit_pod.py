"""A restricted pod without a container runtime: what Kubernetes makes of runAsNonRoot, drop: [ALL], RuntimeDefault,
allowPrivilegeEscalation: false and readOnlyRootFilesystem.

    audit_pod.py start WRITABLE -- COMMAND...       a new pod with one writable folder; becomes COMMAND
    audit_pod.py exec PID -- COMMAND...             COMMAND in the pod of PID, as `kubectl exec` runs it

With --root first it is a root start: user 0 with SETUID, SETGID, SETPCAP and KILL, under the same filter.
"""

import ctypes
import os
import platform
import struct
import sys

USER = 65532
libc = ctypes.CDLL(None, use_errno=True)

NEWNS, NEW_ANY = 0x20000, 0x7E020080  # CLONE_NEWNS; every CLONE_NEW* flag
MS_PRIVATE, MS_REC, MS_NOSUID, MS_NODEV = 1 << 18, 1 << 14, 2, 4
X86 = platform.machine() == "x86_64"
MOUNT_SETATTR = 442
ERRNO, ALLOW = 0x00050000, 0x7FFF0000
EPERM, ENOSYS = 1, 38

# Denied by the default profile of Docker and containerd to a container without capabilities: x86-64 and arm64 numbers.
DENIED = {
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "bpf": (321, 280), "perf_event_open": (298, 241), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "pidfd_getfd": (438, 438), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "reboot": (169, 142), "swapon": (167, 224),
    "swapoff": (168, 225), "settimeofday": (164, 170), "clock_settime": (227, 112), "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264), "quotactl": (179, 60), "acct": (163, 89), "syslog": (103, 116),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "mount_setattr": (442, 442), "lookup_dcookie": (212, 18), "vhangup": (153, 58),
    "move_pages": (279, 239), "mbind": (237, 235), "set_mempolicy": (238, 237), "get_mempolicy": (239, 236),
    "kcmp": (312, 272), "process_madvise": (440, 440),
}  # fmt: skip
CLONE, CLONE3, PERSONALITY, SOCKET = (56, 435, 135, 41) if X86 else (220, 435, 92, 198)
# The personalities that the profile leaves.
PERSONALITIES = (0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)
AF_VSOCK = 40


def check(result, what):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def instruction(code, k, yes=0, no=0):
    return struct.pack("HBBI", code, yes, no, k)


def runtime_default():
    """The filter as a program: numbers at offset 0, the low half of an argument n at 16 + 8n."""
    load, equal, any_bit, answer = 0x20, 0x15, 0x45, 0x06
    program = [instruction(load, 0)]
    for x86, arm in DENIED.values():
        program += [instruction(equal, x86 if X86 else arm, 0, 1), instruction(answer, ERRNO | EPERM)]
    program += [instruction(equal, CLONE3, 0, 1), instruction(answer, ERRNO | ENOSYS)]
    program += [
        instruction(equal, CLONE, 0, 4),
        instruction(load, 16),
        instruction(any_bit, NEW_ANY, 0, 1),
        instruction(answer, ERRNO | EPERM),
        instruction(answer, ALLOW),
    ]
    program += [
        instruction(equal, SOCKET, 0, 4),
        instruction(load, 16),
        instruction(equal, AF_VSOCK, 0, 1),
        instruction(answer, ERRNO | EPERM),
        instruction(answer, ALLOW),
    ]
    count = len(PERSONALITIES)
    program += [instruction(equal, PERSONALITY, 0, 2 + count + 1), instruction(load, 16)]
    program += [instruction(equal, value, count - i, 0) for i, value in enumerate(PERSONALITIES)]
    program += [instruction(answer, ERRNO | EPERM), instruction(answer, ALLOW), instruction(answer, ALLOW)]
    return b"".join(program), len(program)


def read_only_but(writable):
    check(libc.unshare(NEWNS), "unshare(CLONE_NEWNS)")
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount --make-rprivate")
    # struct mount_attr: set, clear, propagation, userns_fd
    attributes = struct.pack("QQQQ", 1, 0, 0, 0)
    check(libc.syscall(MOUNT_SETATTR, -100, b"/", 0x8000, attributes, len(attributes)), "mount_setattr(read-only)")
    for folder in (writable, "/dev/shm"):
        check(libc.mount(b"tmpfs", folder.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=1777"), f"tmpfs on {folder}")


def drop(keep):
    """Everything that a pod's process doesn't have, and then the filter."""
    for capability in range(64):
        if not keep >> capability & 1:
            libc.prctl(24, capability, 0, 0, 0)
    libc.prctl(47, 4, 0, 0, 0)
    os.setgroups([])
    if keep:
        header = struct.pack("Ii", 0x20080522, 0)
        check(libc.capset(header, struct.pack("IIIIII", keep, keep, 0, 0, 0, 0)), "capset")
    else:
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
    check(libc.prctl(38, 1, 0, 0, 0), "no_new_privs")
    program, count = runtime_default()
    buffer = ctypes.create_string_buffer(program, len(program))
    fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", count, ctypes.addressof(buffer)))
    check(libc.prctl(22, 2, fprog, 0, 0), "the filter")


def main(arguments):
    keep = 0
    if arguments[0] == "--root":
        keep = 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8
        arguments = arguments[1:]
    mode, operand, dashes, *command = arguments
    assert dashes == "--" and command, __doc__
    if mode == "start":
        read_only_but(operand)
    elif mode == "exec":
        fd = os.open(f"/proc/{operand}/ns/mnt", os.O_RDONLY)
        check(libc.setns(fd, NEWNS), "setns")
        os.close(fd)
    else:
        raise SystemExit(__doc__)
    os.chdir("/")
    drop(keep)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
