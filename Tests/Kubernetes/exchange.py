"""One request at the fake API server, answered as a real server would."""

import base64
import json
import time
import urllib.parse

from answers import Call, encode, status_object
from cluster import PODS, Selection
from objects import GROUPS
from support.wire import encode_chunk, head
from watch import Watch


def parse_path(path):
    """(resource, namespace, name) of a path that is served, else None. The resource of a pool is its API group."""
    parts = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
    if parts[:2] == ["api", "v1"]:
        rest, plural, resource = parts[2:], "pods", PODS
    elif parts[0] == "apis" and len(parts) > 2 and GROUPS.get(parts[1]) == parts[2]:
        rest, plural, resource = parts[3:], "inferencepools", parts[1]
    else:
        return None
    if rest[:1] == ["namespaces"] and rest[2:3] == [plural] and len(rest) in (3, 4):
        return resource, rest[1], rest[3] if len(rest) == 4 else ""
    return (resource, "", "") if rest == [plural] else None


class Exchange:
    """What a fault gets: the request as `call`, ways to answer it wrongly, and `answer()` for the right one."""

    def __init__(self, api, sock, reader, request, number):
        self.api, self.sock, self.reader = api, sock, reader
        path, _, query = request.target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.where = parse_path(path)
        verb = "watch" if self.query.get("watch") in ("1", "true") else "list"
        verb = "continue" if self.query.get("continue") else verb
        authorization = request.one("authorization") or ""
        resource, namespace, name = self.where or ("", "", "")
        if name:
            verb = "get"
        thing = "pods" if resource == PODS else "pools" if resource else "other"
        self.call = Call(
            f"{verb} {thing}", "" if resource == PODS else resource, namespace, self.query,
            authorization[7:] if authorization.startswith("Bearer ") else None, number)
        self.request = request
        self.keep = True

    # ---- sending

    def send(self, data):
        for record in self.api.records(data):
            self.sock.sendall(record)
            if self.api.pause:
                time.sleep(self.api.pause)

    def send_status(self, code, reason="", message="", headers=(), **details):
        """A Status object as the answer."""
        body = encode(status_object(code, reason, message, **details))
        self.send_body(code, body, headers)

    def send_body(self, code, body, headers=(), content_type="application/json"):
        self.call.status = code
        fixed = [("Content-Type", content_type), ("Audit-Id", "0"), *headers]
        if self.api.chunked_lists:
            start = head(f"HTTP/1.1 {code} X", [*fixed, ("Transfer-Encoding", "chunked")])
            self.send(start + b"".join(encode_chunk(body[at:at + 4000]) for at in range(0, len(body), 4000)))
            self.send(b"0\r\n\r\n")
        else:
            self.send(head(f"HTTP/1.1 {code} X", [*fixed, ("Content-Length", len(body))]) + body)

    def send_watch_head(self):
        self.call.status = 200
        self.send(head("HTTP/1.1 200 OK", [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]))

    def hold(self):
        """Says nothing more until the client leaves."""
        self.keep = False
        while self.sock.recv(65536):
            pass

    # ---- the right answer

    def answer(self):
        if self.call.token is None:
            return self.send_status(403, "Forbidden", 'forbidden: User "system:anonymous" cannot do that')
        if self.call.token not in self.api.tokens:
            return self.send_status(401, "Unauthorized", "Unauthorized")
        if not self.where or self.where[0] not in self.api.cluster.installed | {PODS}:
            return self.send_body(404, b"404 page not found\n", content_type="text/plain; charset=utf-8")
        resource, namespace, name = self.where
        selection = Selection(namespace, self.query.get("labelSelector", ""), self.query.get("fieldSelector", ""))
        if name:
            return self._get(resource, namespace, name)
        if self.call.kind.startswith("watch"):
            return Watch(self, resource, selection).run()
        return self._list(resource, selection)

    def _get(self, resource, namespace, name):
        document = self.api.cluster.objects.get((resource, namespace, name))
        if document:
            self.send_body(200, encode(document))
        else:
            self.send_status(404, "NotFound", f'"{name}" not found')

    def _list(self, resource, selection):
        wanted = self.query.get("resourceVersion") or "0"
        if int(wanted) > self.api.cluster.version:
            return self.send_status(
                504, "Timeout", f"Too large resource version: {wanted}", retryAfterSeconds=1,
                causes=[{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}])
        documents, version = self.api.cluster.list(resource, selection)
        if token := self.query.get("continue"):
            version, after = json.loads(base64.urlsafe_b64decode(token))
            if version < self.api.cluster.oldest:
                return self.send_status(
                    410, "Expired", "The provided continue parameter is too old to display a consistent list result.")
            documents = [document for document in documents if document["metadata"]["name"] > after]
        metadata = {"resourceVersion": str(version)}
        limit = int(self.query.get("limit") or 0)
        if limit and len(documents) > limit:
            metadata["remainingItemCount"] = len(documents) - limit
            documents = documents[:limit]
            mark = json.dumps([version, documents[-1]["metadata"]["name"]]).encode()
            metadata["continue"] = base64.urlsafe_b64encode(mark).decode()
        if resource == PODS:
            kind, group_version = "PodList", "v1"
            # As in a real list: the items of built-in kinds don't repeat their kind.
            documents = [{name: part for name, part in document.items() if name not in ("kind", "apiVersion")}
                         for document in documents]
        else:
            kind, group_version = "InferencePoolList", f"{resource}/{GROUPS[resource]}"
        self.send_body(200, encode(
            {"kind": kind, "apiVersion": group_version, "metadata": metadata, "items": documents}))
