"""Who holds the token, who links libcurl, and what the account may do."""

from objects import K8S, NAMESPACE
from processes import can_read_memory, holders_of, libraries, processes_of
from scene import Scene

READS = {
    "pods": f"/api/v1/namespaces/{NAMESPACE}/pods",
    "pools": f"/apis/{K8S}/v1/namespaces/{NAMESPACE}/inferencepools",
}
REFUSED = {
    "one pod": ("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/a"),
    "one pool": ("GET", f"/apis/{K8S}/v1/namespaces/{NAMESPACE}/inferencepools/pool"),
    "secrets": ("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets"),
    "one secret": ("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/x"),
    "config maps": ("GET", f"/api/v1/namespaces/{NAMESPACE}/configmaps"),
    "services": ("GET", f"/api/v1/namespaces/{NAMESPACE}/services"),
    "service accounts": ("GET", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"),
    "pods of another namespace": ("GET", "/api/v1/namespaces/default/pods"),
    "pods of all namespaces": ("GET", "/api/v1/pods"),
    "pools of all namespaces": ("GET", f"/apis/{K8S}/v1/inferencepools"),
    "nodes": ("GET", "/api/v1/nodes"),
    "namespaces": ("GET", "/api/v1/namespaces"),
    "a pod's log": ("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/a/log"),
    "running a command in a pod": ("POST", f"/api/v1/namespaces/{NAMESPACE}/pods/a/exec?command=x"),
    "deleting a pod": ("DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/a"),
    "making a pod": ("POST", f"/api/v1/namespaces/{NAMESPACE}/pods"),
    "changing a pod": ("PATCH", f"/api/v1/namespaces/{NAMESPACE}/pods/a"),
    "deleting the pool": ("DELETE", f"/apis/{K8S}/v1/namespaces/{NAMESPACE}/inferencepools/pool"),
    "changing the pool": ("PATCH", f"/apis/{K8S}/v1/namespaces/{NAMESPACE}/inferencepools/pool"),
}


def measure(server, report):
    with Scene(server) as scene:
        scene.pod("a", 0)
        sidecar = scene.start()
        scene.wait(sidecar, 0, 200)
        token = scene.files.token_file.read_text()
        permissions(server, report, token)
        code, _ = server.request("GET", READS["pods"], token=scene.fresh_token(account="default"))
        report.judge("deploy/rbac.yaml: gives the namespace's default account nothing", code, code == 403)
        found = processes_of(sidecar)
        if can_read_memory():
            holders = holders_of(token.encode(), found)
            report.judge(
                "the token is in the watcher's memory and in no other process's",
                f"in {sorted(holders)} of {sorted(found)}", holders == {"watcher"})
        else:
            report.skip("the token is in the watcher's memory and in no other process's", "needs root")
        curls = {name for name, pid in found.items() if any("libcurl" in path for path in libraries(pid))}
        report.judge("only the watcher has libcurl", sorted(curls), curls == {"watcher"})
        server.delete_pod("a")


def permissions(server, report, token):
    for name, path in READS.items():
        code, _ = server.request("GET", path, token=token)
        report.judge(f"deploy/rbac.yaml: may read {name}", code, code == 200)
    for name, (method, path) in REFUSED.items():
        body = None if method in ("GET", "DELETE") else {}
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        code, _ = server.request(method, path, body, kind, token)
        report.judge(f"deploy/rbac.yaml: refused: {name}", code, code == 403)
