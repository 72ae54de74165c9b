"""Kubernetes objects as an API server writes them, with what a careless reader would stumble over."""

K8S = "inference.networking.k8s.io"
X_K8S = "inference.networking.x-k8s.io"
LLM_D = "inference.llm-d.ai"
GROUPS = {K8S: "v1", X_K8S: "v1alpha2", LLM_D: "v1alpha1"}

NAMESPACE = "infer"
POOL = "pool"
LABELS = {"app": "vllm"}


def pod(name, *addresses, labels=None, phase="Running", ready=True, host_network=False, deleting=False,
        namespace=NAMESPACE, **metadata):
    """A pod. Members named like those that count stand in places where they mean nothing."""
    first = addresses[0] if addresses else None
    document = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "annotations": {
                "podIP": "127.0.0.250", "labels": '{"app":"vllm"}', "phase": "Running",
                "text": 'a"b\\c\u00e9\U0001f600\n'},
            "name": name, "namespace": namespace, "labels": dict(LABELS if labels is None else labels),
            "ownerReferences": [{"kind": "ReplicaSet", "name": "other", "uid": "0", "controller": True}],
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {"f:podIP": {}, "f:phase": {}}}}],
        } | metadata,
        "spec": {
            "containers": [{"name": "vllm", "image": "none", "env": [{"name": "podIP", "value": "127.0.0.251"}],
                            "ports": [{"containerPort": 1, "hostPort": 2}]}],
            "nodeName": "node", "restartPolicy": "Always",
        },
        "status": {
            "hostIP": "127.0.0.252", "hostIPs": [{"ip": "127.0.0.252"}],
            "conditions": [
                {"type": "Initialized", "status": "True"},
                {"type": "Ready", "status": "True" if ready else "False", "message": "status: \"True\""},
                {"type": "ContainersReady", "status": "True"}],
            "containerStatuses": [{"name": "vllm", "ready": True, "state": {"running": {}}}],
            "phase": phase,
        },
    }
    if addresses:
        document["status"] |= {"podIP": first, "podIPs": [{"ip": address} for address in addresses]}
    if host_network:
        document["spec"]["hostNetwork"] = True
    if deleting:
        document["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30}
    return document


def pool(ports=(), selector=None, group=K8S, name=POOL, namespace=NAMESPACE):
    """An InferencePool in the shape of its group; ports is a list of numbers."""
    labels = LABELS if selector is None else selector
    spec = {"endpointPickerRef": {"name": "epp", "port": {"number": 9002}}}
    if group == X_K8S:
        spec["selector"] = dict(labels)
        if ports:
            spec["targetPortNumber"] = ports[0]
    else:
        spec["selector"] = {"matchLabels": dict(labels)}
        if ports:
            spec["targetPorts"] = [{"number": port} for port in ports]
    return {
        "apiVersion": f"{group}/{GROUPS[group]}", "kind": "InferencePool",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": "none"}}, "spec": spec,
        "status": {"parents": [{"conditions": [{"type": "Accepted", "status": "True"}]}]},
    }
