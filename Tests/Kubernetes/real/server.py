"""A real kube-apiserver and etcd, run by the scripts in the directory that K8S_TOOLS names, and spoken to as admin."""

import http.client
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading

from objects import GROUPS, NAMESPACE, POOL
from support.engine import free_port, wait_for

APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"


class Refused(AssertionError):
    def __init__(self, method, path, code, body):
        super().__init__(f"{method} {path}: {code}: {body[:300]!r}")
        self.code = code


class RealServer:
    def __init__(self, tools):
        self.tools = pathlib.Path(tools)
        self.own_directory = None if "K8S_RUN" in os.environ else tempfile.mkdtemp(prefix="k8s")
        self.run = pathlib.Path(os.environ.get("K8S_RUN") or self.own_directory)
        self.port = int(os.environ.get("K8S_PORT") or free_port())
        self.etcd_port = int(os.environ.get("ETCD_PORT") or free_port())
        self.environment = os.environ | {
            "K8S_RUN": str(self.run), "K8S_PORT": str(self.port), "ETCD_PORT": str(self.etcd_port)}
        self.local = threading.local()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    # ---- the scripts

    def script(self, name, *arguments, **variables):
        """Runs up.sh, ctl.sh or down.sh; returns what it printed. Its output goes to a file: the servers that it
        starts would keep a pipe open."""
        with tempfile.TemporaryFile("w+") as out:
            done = subprocess.run(
                ["bash", str(self.tools / name), *map(str, arguments)], env=self.environment | variables, timeout=200,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
            out.seek(0)
            text = out.read()
        assert done.returncode == 0, f"{name} {arguments}: {text[-2000:]}"
        return text

    def up(self, *flags):
        """Starts both with an empty store; the ones that ran before are stopped."""
        self.script("down.sh", K8S_STOP_WAIT="1")
        self.script("up.sh", *flags, FRESH="1")

    def down(self):
        self.script("down.sh")
        if self.own_directory:
            shutil.rmtree(self.own_directory, ignore_errors=True)

    def control(self, *arguments):
        return self.script("ctl.sh", *arguments)

    def etcd(self, *arguments):
        """etcdctl: changes that happen while no API server is there to tell of them."""
        binary = pathlib.Path(os.environ.get("K8S_HOME") or "/opt/k8s") / "bin" / "etcdctl"
        return subprocess.run(
            [str(binary), "--endpoints", f"http://127.0.0.1:{self.etcd_port}", *arguments], check=True, timeout=30,
            env=os.environ | {"ETCDCTL_API": "3"}, capture_output=True, text=True).stdout

    # ---- requests

    def _connect(self, name):
        connection = getattr(self.local, name, None)
        if connection is None:
            context = ssl.create_default_context(cafile=str(self.run / "ca.crt"))
            if name == "admin":
                context.load_cert_chain(self.run / "admin.crt", self.run / "admin.key")
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=60)
            setattr(self.local, name, connection)
        return connection

    def request(self, method, path, document=None, kind="application/json", token=None):
        """(code, body), as admin, or as the account whose token it is. One connection for each thread."""
        body = document if isinstance(document, (bytes, type(None))) else json.dumps(document).encode()
        name = "account" if token else "admin"
        headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {token}"} if token else {})
        for last in (False, True):
            connection = self._connect(name)
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                setattr(self.local, name, None)
                if last:
                    raise
        raise AssertionError("unreachable")

    def do(self, method, path, document=None, kind="application/json"):
        code, body = self.request(method, path, document, kind)
        if code >= 300:
            raise Refused(method, path, code, body)
        return json.loads(body)

    def apply(self, path, document):
        """Server-side apply: creates or updates. The document may be YAML."""
        return self.do("PATCH", f"{path}?fieldManager=test&force=true", document, APPLY)

    # ---- what is there before the pods

    def install(self, group):
        name = f"inferencepools.{group}"
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        self.apply(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": name, "annotations": {"api-approved.kubernetes.io": "unapproved, test-only"}},
            "spec": {
                "group": group, "scope": "Namespaced",
                "names": {"kind": "InferencePool", "listKind": "InferencePoolList", "plural": "inferencepools",
                          "singular": "inferencepool"},
                "versions": [{"name": GROUPS[group], "served": True, "storage": True, "schema": schema,
                              "subresources": {"status": {}}}]}})
        path = f"/apis/{group}/{GROUPS[group]}/inferencepools"
        wait_for(lambda: self.request("GET", path)[0] == 200, f"{name} to be served", 30)

    def uninstall(self, group):
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferencepools.{group}"
        self.do("DELETE", path)
        wait_for(lambda: self.request("GET", path)[0] == 404, "the definition to be gone", 60)

    def namespace(self, name=NAMESPACE):
        self.apply(f"/api/v1/namespaces/{name}", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.apply(f"/api/v1/namespaces/{name}/serviceaccounts/default", {
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}})

    def binding_path(self, namespace, name):
        return f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings/{name}"

    def permit(self, manifest, namespace=NAMESPACE):
        """Applies account, Role and RoleBinding of the manifest as it is delivered; returns the binding's path."""
        binding = None
        for text in manifest.read_text().split("\n---\n"):
            kind = next(line.split()[1] for line in text.splitlines() if line.startswith("kind:"))
            name = next(line.split()[1] for line in text.splitlines() if line.startswith("  name:"))
            path = self.binding_path(namespace, name)
            if kind == "ServiceAccount":
                path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"
            elif kind == "Role":
                path = path.replace("/rolebindings/", "/roles/")
            else:
                assert kind == "RoleBinding", kind
                binding = path
            self.apply(path, text.encode())
        return binding

    # ---- pools and pods

    def pool_path(self, group, namespace=NAMESPACE, name=POOL):
        return f"/apis/{group}/{GROUPS[group]}/namespaces/{namespace}/inferencepools/{name}"

    def put_pool(self, document):
        group = document["apiVersion"].split("/")[0]
        metadata = document["metadata"]
        document = {name: part for name, part in document.items() if name != "status"}
        return self.apply(self.pool_path(group, metadata["namespace"], metadata["name"]), document)

    def delete_pool(self, group, namespace=NAMESPACE):
        self.do("DELETE", self.pool_path(group, namespace))

    def pod_path(self, name, namespace=NAMESPACE):
        return f"/api/v1/namespaces/{namespace}/pods/{name}"

    def create_pod(self, name, labels, namespace=NAMESPACE):
        """Without a status: no address yet, Pending."""
        self.do("POST", f"/api/v1/namespaces/{namespace}/pods", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels},
            "spec": {"containers": [{"name": "vllm", "image": "none"}]}})

    def set_status(self, name, address, ready=True, namespace=NAMESPACE, phase="Running"):
        condition = {"type": "Ready", "status": "True" if ready else "False",
                     "lastTransitionTime": "2026-01-01T00:00:00Z"}
        status = {"phase": phase, "podIP": address, "podIPs": [{"ip": address}], "conditions": [condition]}
        self.do("PATCH", self.pod_path(name, namespace) + "/status", {"status": status}, MERGE)

    def set_labels(self, name, labels, namespace=NAMESPACE):
        self.do("PATCH", self.pod_path(name, namespace), {"metadata": {"labels": labels}}, MERGE)

    def delete_pod(self, name, namespace=NAMESPACE):
        self.do("DELETE", self.pod_path(name, namespace) + "?gracePeriodSeconds=0")
