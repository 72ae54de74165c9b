"""One namespace with a pool at the real server, prefillers on loopback, and a sidecar that watches."""

import contextlib
import pathlib
import subprocess
import sys
import tempfile

from fleet import port_free_at
from objects import K8S, LABELS, NAMESPACE, pool
from probe import Probe
from protected import Protected
from support.behaviours import prefill_answer
from support.engine import free_port, wait_for
from support.sidecar import ROOT
from support.wire import response

HERE = pathlib.Path(__file__).resolve().parent
MANIFEST = ROOT / "deploy" / "rbac.yaml"
ADDRESSES = [f"127.0.0.{number}" for number in range(11, 31)]
SPARE = {"app": "spare"}
ACCOUNT = "routing-sidecar"  # of deploy/rbac.yaml


class Responder:
    """A process of responder.py; `port` is None where a free one is to be found."""

    def __init__(self, answer, addresses, directory):
        self.port = port_free_at(addresses) if len(addresses) > 1 else free_port()
        path = pathlib.Path(directory) / f"answer-{self.port}"
        path.write_bytes(answer)
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "responder.py"), str(self.port), str(path), *addresses],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        assert self.process.stdout.readline() == b"ready\n"

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Files:
    """What the kubelet would project, without its links: token and ca.crt in a directory."""

    def __init__(self, directory, token, authority):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.token_file, self.authority_file = self.directory / "token", self.directory / "ca.crt"
        self.authority_file.write_bytes(authority)
        self.write(token)

    def write(self, token):
        fresh = self.directory / ".token"
        fresh.write_text(token)
        fresh.replace(self.token_file)


class Scene:
    """Used as a context manager. `pods` maps a name to its address; members carry LABELS."""

    def __init__(self, server):
        self.server = server
        self.stack = contextlib.ExitStack()
        self.sidecars = []

    def __enter__(self):
        directory = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="scene"))
        self.directory = pathlib.Path(directory)
        self.prefillers = Responder(response(body=prefill_answer()), ADDRESSES, directory)
        self.stack.callback(self.prefillers.close)
        self.decoder = Responder(response(body=b'{"usage":null}'), ["127.0.0.1"], directory)
        self.stack.callback(self.decoder.close)
        self.port = self.prefillers.port
        self.server.namespace()
        self.server.install(K8S)
        self.binding = self.server.permit(MANIFEST)
        self.server.put_pool(pool([self.port]))
        self.files = Files(self.directory / "account", self.fresh_token(), (self.server.run / "ca.crt").read_bytes())
        return self

    def __exit__(self, *_):
        try:
            for sidecar in self.sidecars:
                sidecar.stop()
        finally:
            self.stack.close()

    def fresh_token(self, namespace=NAMESPACE, account=ACCOUNT):
        return self.server.control("token", namespace, account).strip().splitlines()[-1]

    def spent_token(self, namespace=NAMESPACE):
        """One that expired ten minutes ago."""
        return self.server.control("mint", namespace, ACCOUNT, -600).strip().splitlines()[-1]

    def target(self, number):
        return f"{ADDRESSES[number]}:{self.port}"

    def pod(self, name, number, labels=LABELS, ready=True):
        self.server.create_pod(name, labels)
        self.server.set_status(name, ADDRESSES[number], ready)

    def start(self, **flags):
        sidecar = Protected(
            self.decoder, self.server, self.files, **({"log_level": "info", "loops": 1} | flags))
        sidecar.probe = Probe(sidecar.port)
        self.sidecars.append(sidecar)
        return sidecar

    def wait(self, sidecar, number, status, patience=30):
        wait_for(lambda: sidecar.probe.ask(self.target(number)) == status, f"{self.target(number)} {status}", patience)
