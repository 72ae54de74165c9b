"""The scripted API server itself: what it says without a fault is what a real one says."""

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request

import pytest
from objects import GROUPS, K8S, LLM_D, NAMESPACE, X_K8S, pod, pool
from support.engine import wait_for

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
POOLS = f"/apis/{K8S}/v1/namespaces/{NAMESPACE}/inferencepools"


@pytest.fixture
def get(api, authority):
    context = ssl.create_default_context(cafile=str(authority.certificate))

    def opened(path, token="token-1", **query):
        query = {name: value for name, value in query.items() if value is not None}
        address = api.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        return urllib.request.urlopen(
            urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {}),
            context=context, timeout=10)

    return opened


def listed(answer):
    document = json.load(answer)
    return [item["metadata"]["name"] for item in document["items"]], document["metadata"]


def refusal(get, *arguments, **query):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(*arguments, **query)
    with caught.value as error:
        return error.code, error.read()


def events(stream, count):
    found = []
    for _ in range(count):
        event = json.loads(stream.readline())
        metadata = event["object"].get("metadata", {})
        found.append((event["type"], metadata.get("name"), metadata.get("resourceVersion")))
    return found


def test_lists_select_by_label_and_field(api, get):
    api.cluster.put(pod("a", labels={"app": "vllm", "role": "decode"}), pod("b"), pod("c", labels={"app": "other"}),
                    pod("d", namespace="elsewhere"))
    assert listed(get(PODS, labelSelector="app=vllm"))[0] == ["a", "b"]
    assert listed(get(PODS, labelSelector="app=vllm,role"))[0] == ["a"]
    assert listed(get(PODS, labelSelector="app in (other, x),!role"))[0] == ["c"]
    assert listed(get(PODS, labelSelector="app!=vllm"))[0] == ["c"]
    assert listed(get(PODS, fieldSelector="metadata.name=b"))[0] == ["b"]
    names, metadata = listed(get(POOLS, fieldSelector="metadata.name=pool"))
    assert names == ["pool"] and metadata["resourceVersion"] == str(api.cluster.version)


def test_pages_show_one_version_and_a_forgotten_one_is_410(api, get):
    api.cluster.put(*[pod(f"p{number}") for number in range(5)])
    names, first = listed(get(PODS, limit=2))
    more, second = listed(get(PODS, limit=2, **{"continue": first["continue"]}))
    last, third = listed(get(PODS, limit=2, **{"continue": second["continue"]}))
    assert names + more + last == [f"p{number}" for number in range(5)]
    assert first["resourceVersion"] == second["resourceVersion"] == third["resourceVersion"]
    assert "continue" not in third
    api.cluster.forget()
    code, body = refusal(get, PODS, limit=2, **{"continue": first["continue"]})
    assert code == 410 and json.loads(body)["reason"] == "Expired"


def test_a_watch_tells_of_changes_and_of_pods_that_leave_the_selector(api, get):
    api.cluster.put(pod("a", "127.0.0.11"))
    version = listed(get(PODS))[1]["resourceVersion"]
    with get(PODS, watch=1, resourceVersion=version, labelSelector="app=vllm", allowWatchBookmarks="true") as stream:
        api.cluster.put(pod("a", "127.0.0.12"), pod("b"), pod("c", labels={"app": "other"}))
        api.cluster.put(pod("b", labels={"app": "other"}))
        api.cluster.delete("a")
        base = int(version)
        assert events(stream, 4) == [
            ("MODIFIED", "a", str(base + 1)), ("ADDED", "b", str(base + 2)), ("DELETED", "b", str(base + 4)),
            ("DELETED", "a", str(base + 5))]
        api.bookmark("watch pods")
        assert events(stream, 1) == [("BOOKMARK", None, str(base + 5))]


def test_a_watch_ends_by_its_own_time_with_a_last_chunk(api, get):
    with get(PODS, watch=1, resourceVersion=api.cluster.version, timeoutSeconds=1) as stream:
        assert stream.read() == b""


def test_a_watch_from_a_forgotten_version_is_told_in_an_event(api, get):
    old = api.cluster.version
    api.cluster.forget()
    with get(PODS, watch=1, resourceVersion=old) as stream:
        event = json.loads(stream.readline())
        assert event["type"] == "ERROR" and event["object"]["code"] == 410
        assert stream.read() == b""


def test_a_version_of_the_future_is_504_for_a_list(api, get):
    code, body = refusal(get, PODS, resourceVersion=999999)
    assert code == 504 and json.loads(body)["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_groups_that_are_not_installed_are_404_in_plain_text(api, get):
    api.cluster.put(pool(group=X_K8S), pool(group=LLM_D))
    for group, version in GROUPS.items():
        path = f"/apis/{group}/{version}/namespaces/{NAMESPACE}/inferencepools"
        assert listed(get(path))[0] == ["pool"]
        with get(path, watch=1, resourceVersion=api.cluster.version) as stream:
            wait_for(lambda: api.open_watches("pools"), "the watch")
            api.cluster.uninstall(group)
            assert events(stream, 1)[0][:2] == ("DELETED", "pool") and stream.read() == b""
        assert refusal(get, path) == (404, b"404 page not found\n")
        api.cluster.install(group)
        assert listed(get(path))[0] == []


def test_tokens_are_asked_for(api, get):
    assert refusal(get, PODS, "wrong")[0] == 401
    assert refusal(get, PODS, None)[0] == 403
    assert [call.token for call in api.seen("list pods")] == ["wrong", None]
