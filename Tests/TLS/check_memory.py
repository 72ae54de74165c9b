"""No byte of a private key in the memory of any process but the signer, looked for while handshakes are under way."""

import os
import pathlib

from house_over_tls import HouseOverTLS, NotChecked
from load import begin, engine, result
from memory import key_needles, occurrences


def check(kind, pki, handshakes):
    if os.geteuid() != 0:
        raise NotChecked("another process's memory is root's to read")
    needles = key_needles(pki / f"{kind}.key")
    with engine() as port, HouseOverTLS(port, pki, kind, upstream_cert_path=None) as house:
        pids = {"supervisor": house.pid} | house.pids()
        signer = pids.pop("signer")
        assert {"proxy", "admin", "dialer", "supervisor"} <= set(pids), pids
        scans, size = 0, 0
        running = begin("handshakes", house.port, "--count", handshakes, "--request", "--parallel", 1)
        while True:
            over = running.poll() is not None
            for name, pid in pids.items():
                found, looked_at = occurrences(pid, needles)
                assert not found, f"the {name} holds {sorted(found)}"
                assert looked_at > 1 << 20, f"the memory of the {name} could not be read"
                size += looked_at
            scans += 1
            if over:
                break
        told = result(running)
        assert told["full"] == handshakes and told["failed"] == 0, told
        there, _ = occurrences(signer, needles)
        assert there, "the key is not in the signer's memory either: the scan finds nothing anywhere"
        # The supervisor keeps the file open, unread, for the next signer.
        for name, pid in {**pids, "signer": signer}.items():
            if name == "supervisor":
                continue
            links = [os.readlink(link) for link in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
            assert not [link for link in links if link.endswith(".key")], f"the {name} has the key's file open"
        return (f"{scans} scans of {len(pids)} processes, {size >> 20} MiB, during {told['full']} handshakes; the signer holds "
                f"{len(there)} of the {len(needles)} forms that were looked for")
