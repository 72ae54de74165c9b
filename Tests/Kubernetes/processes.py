"""The memory and the libraries of the sidecar's processes, seen from outside through /proc."""

import array
import os
import re

CHUNK = 1 << 22


def can_read_memory():
    return os.geteuid() == 0


def processes_of(sidecar):
    """Name to pid, the supervisor among them."""
    rows = sidecar.status()["components"]
    return {"supervisor": sidecar.pid} | {row["name"]: row["pid"] for row in rows if row["pid"]}


def libraries(pid):
    """Paths of the files that are mapped."""
    with open(f"/proc/{pid}/maps") as maps:
        return {line.split(maxsplit=5)[5].strip() for line in maps if len(line.split(maxsplit=5)) == 6}


def backed_runs(pid):
    """(start, end) of the readable memory that has pages, also swapped ones. What was only reserved has none."""
    page = os.sysconf("SC_PAGESIZE")
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/pagemap", "rb", 0) as pagemap:
        for line in maps:
            start, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            start, end = int(start, 16), int(end, 16)
            if "r" not in rights or start >= 1 << 47:
                continue
            run = None
            for at in range(start, end, CHUNK * 64):
                count = min(CHUNK * 64, end - at) // page
                pagemap.seek(at // page * 8)
                entries = array.array("Q", pagemap.read(count * 8))
                for number, entry in enumerate(entries):
                    if entry >> 62:  # present or swapped
                        run = at + number * page if run is None else run
                    elif run is not None:
                        yield run, at + number * page
                        run = None
            if run is not None:
                yield run, end


def memory_holds(pid, needle):
    """Is it anywhere in the memory of that process?"""
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for at, end in backed_runs(pid):
            tail = b""
            while at < end:
                try:
                    memory.seek(at)
                    piece = memory.read(min(CHUNK, end - at))
                except OSError:
                    break
                if not piece:
                    break
                if needle in tail + piece:
                    return True
                tail, at = piece[-len(needle):], at + len(piece)
    return False


def holders_of(needle, processes):
    """Names of those whose memory holds it."""
    return {name for name, pid in processes.items() if memory_holds(pid, needle)}


def resident(pid, line="VmRSS"):
    """Bytes of memory in use, or at most so far (VmHWM)."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(text.split()[1]) for text in status if text.startswith(line + ":")) * 1024
