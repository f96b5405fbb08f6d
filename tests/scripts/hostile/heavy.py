"""Clients whose bodies and patches take a careless server long to work on."""

import json

PATH = "/api/v1/namespaces/default/configmaps?fieldValidation=Strict&dryRun=All"


def post_config_map(target, media, body):
    if not target.is_over():
        target.ask("POST", PATH, body, [("Content-Type", media)])


def heavy_json(target, seconds):
    """JSON whose reading is quadratic for a careless reader."""
    fields = ",".join(f'"f{number}":{number}' for number in range(100_000))
    keys = ",".join(f'"bad key {number}":"x"' for number in range(100_000))
    pairs = ",".join('"a":"b"' for _ in range(100_000))
    owners = ",".join('{"apiVersion":"v1","kind":"Pod","name":"a","uid":"u"}' for _ in range(40_000))
    start = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"heavy"'
    for body in (
        start + "}," + fields + "}",
        start + '},"data":{' + keys + "}}",
        start + '},"data":{' + pairs + "}}",
        start + ',"ownerReferences":[' + owners + "]}}",
        "[" * 1_000_000,
        start + '},"data":{"a":' + "9" * 1_000_000 + "}}",
    ):
        post_config_map(target, "application/json", body.encode())


def heavy_yaml(target, seconds):
    """YAML that grows when it is read."""
    start = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: heavy}\n"
    long_string = "a: &a " + "x" * 1_000_000 + "\nb: [" + ", ".join(["*a"] * 200_000) + "]\n"
    levels = ["l0: &l0 [x, x, x, x, x, x, x, x, x]\n"]
    for number in range(1, 12):
        levels.append(f"l{number}: &l{number} [" + ", ".join([f"*l{number - 1}"] * 9) + "]\n")
    keys = "".join(f"k{number}: &a{number} v\n" for number in range(100_000))
    for body in (start + long_string, start + "".join(levels), start + keys, start + "data: " + "[" * 200_000):
        post_config_map(target, "application/yaml", body.encode())


def heavy_protobuf(target, seconds):
    """A ConfigMap of many empty managed fields."""
    metadata = b"\x0a\x05heavy" + b"\x8a\x01\x00" * 900_000
    config_map = b"\x0a" + varint(len(metadata)) + metadata
    kind = b"\x0a\x02v1\x12\x09ConfigMap"
    unknown = b"\x0a" + varint(len(kind)) + kind + b"\x12" + varint(len(config_map)) + config_map
    for _ in range(2):
        post_config_map(target, "application/vnd.kubernetes.protobuf", b"k8s\x00" + unknown)


def varint(number):
    out = bytearray()
    while number >= 128:
        out.append(number % 128 | 128)
        number //= 128
    return bytes([*out, number])


def heavy_patches(target, seconds):
    """JSON patches that move a large map about, and strategic patches with long lists of directives."""
    path = "/api/v1/namespaces/default/configmaps/hostile-0?dryRun=All"
    moves = [{"op": "move", "from": "/data", "path": "/data2"}, {"op": "move", "from": "/data2", "path": "/data"}]
    body = json.dumps(moves * 2_000).encode()
    target.ask("PATCH", path, body, [("Content-Type", "application/json-patch+json")])
    order = [{"uid": str(number)} for number in range(40_000)]
    patch = {"metadata": {"$setElementOrder/ownerReferences": order, "ownerReferences": order}}
    target.ask("PATCH", path, json.dumps(patch).encode(), [("Content-Type", "application/strategic-merge-patch+json")])


ALL = [heavy_json, heavy_yaml, heavy_protobuf, heavy_patches]
