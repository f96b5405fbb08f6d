"""Creates config maps, many at a time, until the server goes away; prints each that was acknowledged.

    write_loop.py PREFIX      with the kubeconfig as JSON (kubectl config view --raw -o json) on standard input

A line of output is a name and its resource version, written only after the answer was read.
"""
import base64
import http.client
import json
import ssl
import sys
import tempfile
import threading
import urllib.parse

WRITERS = 8
ACKNOWLEDGED = threading.Lock()


def tls_context(cluster, user):
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as both:
        both.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
        both.flush()
        context.load_cert_chain(both.name)
    return context


def write(address, context, prefix, writer):
    connection = http.client.HTTPSConnection(address, context=context, timeout=30)
    number = 0
    while True:
        name = f"{prefix}-{writer}-{number}"
        number += 1
        body = json.dumps({"metadata": {"name": name}, "data": {"filler": "x" * 500}})
        try:
            connection.request("POST", "/api/v1/namespaces/default/configmaps", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        except (http.client.HTTPException, OSError):
            return
        if answer.status != 201:
            print(f"{name} was answered {answer.status}: {content[:300]!r}", file=sys.stderr)
            return
        with ACKNOWLEDGED:
            print(name, json.loads(content)["metadata"]["resourceVersion"], flush=True)


def main():
    config = json.load(sys.stdin)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = tls_context(cluster, user)
    address = urllib.parse.urlparse(cluster["server"]).netloc
    writers = [threading.Thread(target=write, args=(address, context, sys.argv[1], i)) for i in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()


main()
