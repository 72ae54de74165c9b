"""The state behind the fake API server: objects, their versions, and every change in order."""

import copy
import re
import threading
import uuid
from dataclasses import dataclass

from objects import GROUPS, NAMESPACE, POOL

PODS = "pods"


@dataclass
class Change:
    version: int
    resource: str
    old: dict  # None: created
    new: dict  # None: deleted


def resource_of(document):
    """"pods", or the API group of an InferencePool."""
    return PODS if document["kind"] == "Pod" else document["apiVersion"].split("/")[0]


class Selection:
    """A namespace with a label and a field selector, in the syntax of Kubernetes."""

    def __init__(self, namespace, labels="", fields=""):
        self.namespace = namespace
        self.labels = [part.strip() for part in re.split(r",(?![^(]*\))", labels) if part.strip()]
        self.fields = [part for part in fields.split(",") if part]

    def matches(self, document):
        metadata = document["metadata"]
        if self.namespace and metadata["namespace"] != self.namespace:
            return False
        return all(self._label(part, metadata.get("labels") or {}) for part in self.labels) and all(
            self._field(part, document) for part in self.fields)

    @staticmethod
    def _label(part, labels):
        if among := re.fullmatch(r"(\S+)\s+(in|notin)\s*\(([^)]*)\)", part):
            key, how, values = among.groups()
            return (labels.get(key) in [value.strip() for value in values.split(",")]) == (how == "in")
        if "!=" in part:
            key, _, value = part.partition("!=")
            return labels.get(key.strip()) != value.strip()
        if "=" in part:
            key, _, value = part.replace("==", "=").partition("=")
            return labels.get(key.strip()) == value.strip()
        return part[1:] not in labels if part[0] == "!" else part in labels

    @staticmethod
    def _field(part, document):
        path, unequal, value = re.fullmatch(r"([^!=]+)(!)?==?(.*)", part).groups()
        for step in path.split("."):
            document = (document or {}).get(step)
        return (document == value) != bool(unequal)


class Cluster:
    """Thread-safe. `changed` is notified after each change."""

    def __init__(self):
        self.changed = threading.Condition()
        self.version = 1000
        self.oldest = 1000  # watches from before it get 410
        self.objects = {}  # (resource, namespace, name) to document
        self.history = []
        self.installed = set(GROUPS)

    def put(self, *documents):
        """Creates or replaces; what is there under that name keeps its uid."""
        with self.changed:
            for document in documents:
                document = copy.deepcopy(document)
                metadata = document["metadata"]
                key = (resource_of(document), metadata["namespace"], metadata["name"])
                old = self.objects.get(key)
                metadata.setdefault("uid", old["metadata"]["uid"] if old else str(uuid.uuid4()))
                metadata.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
                self._record(key, old, document)

    def delete(self, name=POOL, resource=None, namespace=NAMESPACE):
        """Deletes the pod of that name, or the object of another resource."""
        with self.changed:
            key = (resource or PODS, namespace, name)
            self._record(key, self.objects.pop(key), None)

    def delete_pool(self, group):
        self.delete(POOL, group)

    def _record(self, key, old, new):
        self.version += 1
        if new:
            new["metadata"]["resourceVersion"] = str(self.version)
            self.objects[key] = new
        self.history.append(Change(self.version, key[0], old, new))
        self.changed.notify_all()

    def uninstall(self, group):
        """Removes the definition, as deleting a CRD does: its objects go first."""
        with self.changed:
            for key in [key for key in self.objects if key[0] == group]:
                self._record(key, self.objects.pop(key), None)
            self.installed.discard(group)
            self.changed.notify_all()

    def install(self, group):
        with self.changed:
            self.installed.add(group)

    def forget(self):
        """Every version before the present one is too old for a new watch from now on; open watches go on."""
        with self.changed:
            self.version += 1
            self.oldest = self.version

    def list(self, resource, selection):
        """(documents sorted by name, version)."""
        with self.changed:
            found = [document for key, document in sorted(self.objects.items())
                     if key[0] == resource and selection.matches(document)]
            return found, self.version

    def events(self, resource, selection, after):
        """([(type, document)], version): what a watch of that selection is told of the changes after a version."""
        with self.changed:
            found = []
            # A watch looks often and is rarely far behind.
            start = len(self.history)
            while start and self.history[start - 1].version > after:
                start -= 1
            for change in self.history[start:]:
                if change.resource != resource:
                    continue
                before = change.old is not None and selection.matches(change.old)
                now = change.new is not None and selection.matches(change.new)
                if now:
                    found.append(("MODIFIED" if before else "ADDED", change.new))
                elif before:
                    # As it was before, with the version of the change.
                    gone = change.old | {
                        "metadata": change.old["metadata"] | {"resourceVersion": str(change.version)}}
                    found.append(("DELETED", gone))
            return found, self.version
