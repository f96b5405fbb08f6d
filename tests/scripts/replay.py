#!/usr/bin/env python3
"""Replays recorded conversations with kube-apiserver v1.36.2 against a server over TLS, and compares.

A recording is a file GROUP.jsonl.xz; its lines are steps: a request (method, path, user, headers, body) and the answer that
kube-apiserver gave, with volatile values (uids, times, resource versions, random suffixes, allocated addresses)
replaced by tokens.

    replay.py --folder DIR --server https://127.0.0.1:6443 [--group G] [--scenario S] [--no-managed-fields] [-v]

Exit status 0 when every selected step agrees, 1 otherwise, 2 when nothing was selected.
"""
import argparse, base64, glob, http.client, json, lzma, os, re, ssl, sys, time, urllib.parse

USERS = {"admin": "admin-token", "alice": "alice-token", "bob": "bob-token", "anonymous": None, "bad": "no-such-token"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
JWT = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
CIP = re.compile(r"\b10\.0\.0\.(?!1\b|10\b)\d{1,3}\b")
AGE = re.compile(r"^(\d+[smhd])+$|^<unknown>$|^<invalid>$")
PORTMSG = re.compile(r"127\.0\.0\.1:\d+")
RV = re.compile(r'(resourceVersion\\*"?: ?\\*")\d+')
CUR = re.compile(r"current: \d+")
ACCESS = re.compile(r"kube-api-access-[a-z0-9]{5}")


def walk_strings(v, out):
    if isinstance(v, dict):
        for k, x in v.items():
            walk_strings(x, out)
    elif isinstance(v, list):
        for x in v:
            walk_strings(x, out)
    elif v is not None:
        out.add(str(v))


def norm_str(s, keep):
    if s in keep:
        return s
    s = UUID.sub("<uid>", s)
    s = TIME.sub("<time>", s)
    s = JWT.sub("<jwt>", s)
    s = CIP.sub(lambda m: m.group(0) if m.group(0) in keep else "<clusterIP>", s)
    s = PORTMSG.sub("<server>", s)
    s = RV.sub(r"\1<rv>", s)
    s = CUR.sub("current: <rv>", s)
    s = ACCESS.sub("kube-api-access-<random>", s)
    return s


def settle(v):
    """The entries of managedFields in one order: the server's depends on whether a second passed between two writes."""
    if isinstance(v, dict):
        for k, x in v.items():
            settle(x)
            if k == "managedFields" and isinstance(x, list):
                x.sort(key=lambda e: [str(e.get(m)) for m in ("operation", "manager", "subresource", "apiVersion")] if isinstance(e, dict) else [])
    elif isinstance(v, list):
        for x in v:
            settle(x)
    return v


def norm(v, keep, key=None, parent=None):
    """Replace what differs from run to run; `keep` holds the strings that the request itself named."""
    if isinstance(v, dict):
        out = {}
        if v.get("kind") == "Table" and isinstance(v.get("rows"), list):
            v = dict(v)
            age = [i for i, c in enumerate(v.get("columnDefinitions") or []) if c.get("name") in ("Age", "Last Seen", "First Seen", "Created At", "Duration", "Last Schedule", "LastSeen")]
            rows = []
            for r in v["rows"]:
                r = dict(r)
                r["cells"] = ["<age>" if i in age and isinstance(c, str) else c for i, c in enumerate(r.get("cells") or [])]
                rows.append(r)
            v["rows"] = rows
            v["columnDefinitions"] = [{k: x for k, x in c.items() if k != "description"} for c in v.get("columnDefinitions") or []]
        for k, x in v.items():
            if k in ("resourceVersion",) and isinstance(x, str):
                out[k] = "<rv>" if x not in ("", "0") else x
            elif k == "continue" and isinstance(x, str) and x:
                out[k] = "<continue>"
            elif k == "nodePort" and isinstance(x, int) and str(x) not in keep and 30000 <= x <= 32767:
                out[k] = "<nodePort>"
            elif k == "healthCheckNodePort" and isinstance(x, int) and str(x) not in keep and x:
                out[k] = "<nodePort>"
            elif k == "name" and isinstance(x, str) and isinstance(v.get("generateName"), str) and x.startswith(v["generateName"]) and x not in keep:
                out[k] = v["generateName"] + "<random>"
            else:
                out[k] = norm(x, keep, k, v)
        return out
    if isinstance(v, list):
        return [norm(x, keep, key) for x in v]
    if isinstance(v, str):
        return norm_str(v, keep)
    return v


def subst(v, vars_):
    if isinstance(v, dict):
        return {subst(k, vars_): subst(x, vars_) for k, x in v.items()}
    if isinstance(v, list):
        return [subst(x, vars_) for x in v]
    if isinstance(v, str):
        for k, x in vars_.items():
            v = v.replace("${" + k + "}", x)
        return v
    return v


def pointer(doc, path):
    for p in path.split("/"):
        if p == "":
            continue
        doc = doc[int(p)] if isinstance(doc, list) else doc[p]
    return doc


class Client:
    def __init__(self, server):
        u = urllib.parse.urlparse(server)
        self.host, self.port, self.tls = u.hostname, u.port or (443 if u.scheme == "https" else 80), u.scheme == "https"
        self.conn = None

    def open(self, timeout):
        if self.tls:
            ctx = ssl._create_unverified_context()
            return http.client.HTTPSConnection(self.host, self.port, context=ctx, timeout=timeout)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def call(self, step, vars_, timeout=30):
        req = step["req"]
        headers = {"User-Agent": "golden/1", "Accept": req.get("accept", "application/json")}
        token = USERS[req.get("user", "admin")]
        if token:
            headers["Authorization"] = "Bearer " + token
        headers.update(subst(req.get("headers", {}), vars_))
        body = None
        if "body" in req:
            body = json.dumps(subst(req["body"], vars_)).encode()
            headers["Content-Type"] = req.get("ctype", "application/json")
        elif "raw" in req:
            body = subst(req["raw"], vars_).encode()
            headers["Content-Type"] = req.get("ctype", "application/json")
        elif "b64" in req:
            body = base64.b64decode(req["b64"])
            headers["Content-Type"] = req.get("ctype", "application/json")
        path = subst(req["path"], vars_)
        for attempt in (0, 1):
            try:
                if self.conn is None:
                    self.conn = self.open(timeout)
                self.conn.request(req["method"], path, body=body, headers=headers)
                r = self.conn.getresponse()
                data = r.read()
                break
            except (http.client.HTTPException, OSError):
                self.conn = None
                if attempt:
                    raise
        warnings = [re.sub(r'^299 - ', "", w).strip() for w in (r.headers.get_all("Warning") or [])]
        return r.status, r.headers.get("Content-Type") or "", warnings, data


def keep_of(step, vars_):
    keep = set()
    req = step["req"]
    if "body" in req:
        walk_strings(subst(req["body"], vars_), keep)
    if "raw" in req:
        keep |= set(re.findall(r"[^\s\"',\[\]{}]+", req["raw"]))
    return keep


def shape(step, vars_, status, ctype, warnings, data):
    """The comparable form of an answer. Returns (shape, parsed body)."""
    keep = keep_of(step, vars_)
    text = data.decode("utf-8", "replace")
    out = {"status": status, "ctype": ctype.split(";")[0].strip() if not ctype.startswith("application/json;") else ctype.replace(" ", "")}
    if warnings:
        out["warnings"] = [norm_str(w, keep) for w in warnings]
    parsed = None
    if step.get("watch"):
        events = []
        for line in text.splitlines():
            if line.strip():
                events.append(norm(json.loads(line), keep))
        out["events"] = events
    elif step.get("head"):
        out["body"] = None
    else:
        try:
            parsed = json.loads(text)
            out["body"] = norm(parsed, keep)
        except ValueError:
            out["text"] = norm_str(text, keep)
    for drop in step.get("drop", []):
        try:
            parent, _, leaf = drop.rpartition("/")
            p = pointer(out["body"], parent)
            if isinstance(p, dict):
                p.pop(leaf, None)
        except (KeyError, IndexError, TypeError):
            pass
    if step.get("keys_only") and isinstance(out.get("body"), dict):
        out["body"] = sorted(out["body"])
    return settle(out), parsed


def run_step(client, step, vars_):
    status, ctype, warnings, data = client.call(step, vars_)
    out, parsed = shape(step, vars_, status, ctype, warnings, data)
    for name, ptr in step.get("save", {}).items():
        try:
            vars_[name] = str(pointer(parsed, ptr))
        except (KeyError, IndexError, TypeError):
            vars_[name] = "missing"
    if step.get("sleep"):
        time.sleep(step["sleep"])
    return out


def diff(a, b, path=""):
    if type(a) != type(b):
        return [f"{path or '/'}: want {json.dumps(a)[:160]}, got {json.dumps(b)[:160]}"]
    if isinstance(a, dict):
        d = []
        for k in sorted(set(a) | set(b)):
            if k not in a:
                d.append(f"{path}/{k}: not wanted, got {json.dumps(b[k])[:160]}")
            elif k not in b:
                d.append(f"{path}/{k}: want {json.dumps(a[k])[:160]}, absent")
            else:
                d += diff(a[k], b[k], f"{path}/{k}")
        return d
    if isinstance(a, list):
        d = []
        if len(a) != len(b):
            d.append(f"{path}: want {len(a)} items, got {len(b)}")
        for i, (x, y) in enumerate(zip(a, b)):
            d += diff(x, y, f"{path}/{i}")
        return d
    return [] if a == b else [f"{path}: want {json.dumps(a)[:200]}, got {json.dumps(b)[:200]}"]


def without(v, key):
    """v without every member called key."""
    if isinstance(v, dict):
        return {k: without(x, key) for k, x in v.items() if k != key}
    return [without(x, key) for x in v] if isinstance(v, list) else v


def load(group=None, scenario=None, folder=None):
    for f in sorted(glob.glob(os.path.join(folder, "*.jsonl")) + glob.glob(os.path.join(folder, "*.jsonl.xz"))):
        g = os.path.basename(f).split(".")[0]
        if group and g != group:
            continue
        scenarios = {}
        for line in lzma.open(f, "rt") if f.endswith(".xz") else open(f):
            s = json.loads(line)
            if scenario and s["scenario"] != scenario:
                continue
            if "resp" in s:
                settle(s["resp"])
            scenarios.setdefault(s["scenario"], []).append(s)
        yield g, scenarios


def replay(a):
    total = ok = status_ok = 0
    for g, scenarios in load(a.group, a.scenario, a.folder):
        gt = gok = gs = 0
        for name, steps in scenarios.items():
            client, vars_ = Client(a.server), {}
            for st in steps:
                try:
                    got = run_step(client, st, vars_)
                except Exception as e:  # the server broke the conversation: a failure of this step, not of the tool
                    client.conn = None
                    got = {"status": 0, "text": f"{type(e).__name__}: {e}"}
                want = st.get("resp")
                if st.get("setup"):
                    continue
                gt += 1
                if a.no_managed_fields:
                    want, got = without(want, "managedFields"), without(got, "managedFields")
                d = diff(want, got)
                gs += want["status"] == got["status"]
                gok += not d
                if d and a.verbose:
                    print(f"{g}/{name}#{st['step']} {st['req']['method']} {st['req']['path']}")
                    for x in d[: a.lines]:
                        print("    " + x)
        print(f"{g}: {gok} of {gt} steps agree, {gs} in status")
        total, ok, status_ok = total + gt, ok + gok, status_ok + gs
    if not total:
        print("nothing selected", file=sys.stderr)
        return 2
    print(f"all: {ok} of {total} steps agree ({100 * ok / total:.1f} %), {status_ok} in status ({100 * status_ok / total:.1f} %)")
    return 0 if ok == total else 1


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--folder", required=True)
    p.add_argument("--server", required=True)
    p.add_argument("--group")
    p.add_argument("--scenario")
    p.add_argument("-v", "--verbose", action="store_true")
    p.add_argument("--lines", type=int, default=8)
    p.add_argument("--no-managed-fields", action="store_true", help="leave metadata.managedFields out of the comparison")
    sys.exit(replay(p.parse_args()))
