"""Uses a server with the Python client library: the typed API, the dynamic one, watches and an informer.

    python_client.py          with KUBECONFIG in the environment; prints the counts of what passed and failed
"""
import sys
import threading
import traceback

from kubernetes import client, config, dynamic, watch
from kubernetes.client.rest import ApiException

NAMESPACE = "python"


def config_map(name, **data):
    metadata = client.V1ObjectMeta(name=name, labels={"made-by": "python"})
    return client.V1ConfigMap(metadata=metadata, data=data)


def refused(status, reason, call, *arguments, **named):
    """Asserts that the call fails with the status and the reason; returns the message."""
    try:
        call(*arguments, **named)
    except ApiException as error:
        assert error.status == status, (error.status, error.body)
        assert f'"reason":"{reason}"' in error.body, error.body
        return error.body
    raise AssertionError(f"no {status}")


def objects_are_made_read_changed_and_deleted(core):
    made = core.create_namespaced_config_map(NAMESPACE, config_map("crud", a="1"))
    assert made.metadata.uid and made.metadata.resource_version and made.metadata.creation_timestamp
    refused(409, "AlreadyExists", core.create_namespaced_config_map, NAMESPACE, config_map("crud"))
    read = core.read_namespaced_config_map("crud", NAMESPACE)
    assert read == made, (read, made)
    read.data["b"] = "2"
    changed = core.replace_namespaced_config_map("crud", NAMESPACE, read)
    assert int(changed.metadata.resource_version) > int(made.metadata.resource_version)
    read.data["c"] = "3"
    refused(409, "Conflict", core.replace_namespaced_config_map, "crud", NAMESPACE, read)
    patched = core.patch_namespaced_config_map("crud", NAMESPACE, {"data": {"a": None, "d": "4"}})
    assert patched.data == {"b": "2", "d": "4"}, patched.data
    patched = core.patch_namespaced_config_map("crud", NAMESPACE, [{"op": "remove", "path": "/data/b"}])
    assert patched.data == {"d": "4"}, patched.data
    tried = core.patch_namespaced_config_map("crud", NAMESPACE, {"data": {"e": "5"}}, dry_run="All")
    assert tried.data == {"d": "4", "e": "5"}, tried.data
    core.delete_namespaced_config_map("crud", NAMESPACE)
    refused(404, "NotFound", core.read_namespaced_config_map, "crud", NAMESPACE)


def typed_objects_come_back_typed(core):
    container = client.V1Container(
        name="main",
        image="app:1",
        resources=client.V1ResourceRequirements(requests={"cpu": "100m", "memory": "1Gi"}),
        liveness_probe=client.V1Probe(http_get=client.V1HTTPGetAction(path="/", port="web")),
    )
    pod = client.V1Pod(metadata=client.V1ObjectMeta(name="typed"), spec=client.V1PodSpec(containers=[container]))
    made = core.create_namespaced_pod(NAMESPACE, pod)
    assert made.status.phase == "Pending" and made.spec.restart_policy == "Always"
    assert made.spec.containers[0].liveness_probe.http_get.port == "web"
    assert made.spec.containers[0].resources.requests == {"cpu": "100m", "memory": "1Gi"}
    assert core.read_namespaced_pod_status("typed", NAMESPACE).status.qos_class == "Burstable"
    apps = client.AppsV1Api()
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels={"app": "typed"}), spec=client.V1PodSpec(containers=[container])
    )
    spec = client.V1DeploymentSpec(
        replicas=2, selector=client.V1LabelSelector(match_labels={"app": "typed"}), template=template
    )
    made = apps.create_namespaced_deployment(
        NAMESPACE, client.V1Deployment(metadata=client.V1ObjectMeta(name="typed"), spec=spec)
    )
    assert made.spec.strategy.rolling_update.max_surge == "25%" and made.metadata.generation == 1
    scale = apps.read_namespaced_deployment_scale("typed", NAMESPACE)
    scale.spec.replicas = 5
    assert apps.replace_namespaced_deployment_scale("typed", NAMESPACE, scale).spec.replicas == 5
    body = {"status": {"replicas": 5, "observedGeneration": 2}}
    assert apps.patch_namespaced_deployment_status("typed", NAMESPACE, body).status.replicas == 5


def lists_come_in_pages(core):
    for number in range(25):
        core.create_namespaced_config_map(NAMESPACE, config_map(f"page-{number:02}"))
    found, token, versions = [], None, set()
    while True:
        page = core.list_namespaced_config_map(
            NAMESPACE, label_selector="made-by=python", limit=10, _continue=token
        )
        found += [item.metadata.name for item in page.items]
        versions.add(page.metadata.resource_version)
        token = page.metadata._continue
        if not token:
            break
        assert page.metadata.remaining_item_count is None  # unknown with a selector
    assert found == sorted(f"page-{number:02}" for number in range(25)), found
    assert len(versions) == 1, versions
    everything = core.list_config_map_for_all_namespaces(field_selector="metadata.name=page-07")
    assert [item.metadata.name for item in everything.items] == ["page-07"]
    refused(400, "BadRequest", core.list_namespaced_config_map, NAMESPACE, field_selector="spec.nothing=1")


def a_watch_goes_on_from_a_resource_version(core):
    start = core.list_namespaced_secret(NAMESPACE).metadata.resource_version
    for name in ("one", "two", "three"):
        core.create_namespaced_secret(NAMESPACE, client.V1Secret(metadata=client.V1ObjectMeta(name=name)))
    core.patch_namespaced_secret("two", NAMESPACE, {"stringData": {"k": "v"}})
    core.delete_namespaced_secret("one", NAMESPACE)
    wanted = [("ADDED", "one"), ("ADDED", "two"), ("ADDED", "three"), ("MODIFIED", "two"), ("DELETED", "one")]

    def events(since, count):
        watcher, seen = watch.Watch(), []
        for event in watcher.stream(
            core.list_namespaced_secret, NAMESPACE, resource_version=since, timeout_seconds=10
        ):
            seen.append((event["type"], event["object"].metadata.name, event["object"].metadata.resource_version))
            if len(seen) == count:
                watcher.stop()
        return seen

    whole = events(start, 5)
    assert [event[:2] for event in whole] == wanted, whole
    assert events(whole[1][2], 3) == whole[2:]
    versions = [int(event[2]) for event in whole]
    assert versions == sorted(set(versions)), versions


def resource_versions_are_checked(core):
    refused(400, "BadRequest", core.list_namespaced_secret, NAMESPACE, resource_version="words")
    message = refused(504, "Timeout", core.list_namespaced_secret, NAMESPACE, resource_version="999999999")
    assert "Too large resource version: 999999999, current: " in message, message


def a_collection_is_deleted_by_its_labels(core):
    for name, label in (("c1", "x"), ("c2", "x"), ("c3", "y")):
        metadata = client.V1ObjectMeta(name=name, labels={"pile": label})
        core.create_namespaced_endpoints(NAMESPACE, client.V1Endpoints(metadata=metadata))
    core.delete_collection_namespaced_endpoints(NAMESPACE, label_selector="pile=x")
    left = [item.metadata.name for item in core.list_namespaced_endpoints(NAMESPACE).items]
    assert left == ["c3"], left


def the_dynamic_client_finds_every_kind(core):
    api = dynamic.DynamicClient(client.ApiClient())
    jobs = api.resources.get(api_version="batch/v1", kind="CronJob")
    assert jobs.name == "cronjobs" and jobs.namespaced and "cj" in jobs.short_names
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
    body = {
        "kind": "CronJob",
        "apiVersion": "batch/v1",
        "metadata": {"name": "dynamic"},
        "spec": {"schedule": "0 * * * *", "jobTemplate": {"spec": {"template": template}}},
    }
    made = jobs.create(body=body, namespace=NAMESPACE)
    assert made.spec.concurrencyPolicy == "Allow"
    patch = {"spec": {"suspend": True}}
    patched = jobs.patch(
        body=patch, name="dynamic", namespace=NAMESPACE, content_type="application/merge-patch+json"
    )
    assert patched.spec.suspend is True
    assert [item.metadata.name for item in jobs.get(namespace=NAMESPACE).items] == ["dynamic"]
    for event in jobs.watch(namespace=NAMESPACE, timeout=5):
        assert (event["type"], event["object"].metadata.name) == ("ADDED", "dynamic")
        break
    jobs.delete(name="dynamic", namespace=NAMESPACE)
    kinds = {resource.kind for resource in api.resources.search() if not resource.kind.endswith("List")}
    assert len(kinds) > 55, len(kinds)


def an_informer_sees_what_a_list_shows(core):
    """Writers change objects while an informer lists once and follows; then both views are equal."""
    writers, names = 4, 15
    first = core.list_namespaced_config_map(NAMESPACE)
    known = {item.metadata.name: item for item in first.items}
    reached = threading.Event()

    def write(writer):
        own = client.CoreV1Api(client.ApiClient())
        for number in range(names):
            name = f"live-{writer}-{number}"
            own.create_namespaced_config_map(NAMESPACE, config_map(name))
            own.patch_namespaced_config_map(name, NAMESPACE, {"data": {"turn": str(number)}})
            if number % 3 == 0:
                own.delete_namespaced_config_map(name, NAMESPACE)

    def follow():
        watcher = watch.Watch()
        for event in watcher.stream(
            core.list_namespaced_config_map,
            NAMESPACE,
            resource_version=first.metadata.resource_version,
            timeout_seconds=40,
        ):
            seen = event["object"]
            if event["type"] == "DELETED":
                del known[seen.metadata.name]
            else:
                assert (event["type"] == "ADDED") == (seen.metadata.name not in known), event
                known[seen.metadata.name] = seen
            if seen.metadata.name == "the-last":
                watcher.stop()
                reached.set()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    follower = threading.Thread(target=follow)
    for thread in [follower, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    core.create_namespaced_config_map(NAMESPACE, config_map("the-last"))
    assert reached.wait(40), "the informer did not see the last object"
    follower.join()
    last = {item.metadata.name: item for item in core.list_namespaced_config_map(NAMESPACE).items}
    assert sorted(known) == sorted(last), set(known) ^ set(last)
    for name in last:  # an item of a list bears no kind, that of an event does
        assert known[name].metadata == last[name].metadata and known[name].data == last[name].data, name


def the_version_and_the_groups_are_known(core):
    assert client.VersionApi().get_code().git_version.startswith("v1.36.")
    groups = {group.name for group in client.ApisApi().get_api_versions().groups}
    assert {"apps", "batch", "policy", "storage.k8s.io", "rbac.authorization.k8s.io"} <= groups, groups


TESTS = [
    objects_are_made_read_changed_and_deleted,
    typed_objects_come_back_typed,
    lists_come_in_pages,
    a_watch_goes_on_from_a_resource_version,
    resource_versions_are_checked,
    a_collection_is_deleted_by_its_labels,
    the_dynamic_client_finds_every_kind,
    an_informer_sees_what_a_list_shows,
    the_version_and_the_groups_are_known,
]


def main():
    config.load_kube_config()
    core = client.CoreV1Api()
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
    failed = 0
    for test in TESTS:
        try:
            test(core)
        except Exception:  # every test runs, whatever happens to the one before
            failed += 1
            print(f"FAILED: {test.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"python client over {sys.argv[1]}: {len(TESTS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
