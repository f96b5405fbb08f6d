"""What scripts share that are other parties to a server: checks that are counted, a directory of their own for files,
keys and certificates made by openssl, and the server.
"""
import base64, http.client, json, os, socket, ssl, subprocess, sys, tempfile, time

WORK = tempfile.mkdtemp()
passed = failed = 0


def check(what, found, expected):
    global passed, failed
    if found == expected:
        passed += 1
    else:
        failed += 1
        print(f"-- {what}: {found!r}, and {expected!r} was expected")


def eventually(what, look, expected, seconds=10):
    """A check that is made until it holds."""
    found, end = None, time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found == expected:
            break
        time.sleep(0.1)
    check(what, found, expected)


def finish(name):
    """Ends the script. The last line has the counts, as `.ci/run` reads them; before it stands what the server logged
    last, if something failed."""
    if failed:
        print(open(path("log")).read()[-3000:])
    print(f"{name}: {passed} passed, {failed} failed")
    sys.exit(failed > 0)


def path(name):
    return os.path.join(WORK, name)


def authority_bundle(name):
    """The certificate of an authority, as base64 of PEM."""
    with open(path(f"{name}.crt"), "rb") as file:
        return base64.b64encode(file.read()).decode()


def write(name, text):
    # Whoever reads the file at the same time sees the old one or the new one.
    with open(path(name + ".new"), "w") as file:
        file.write(text)
    os.rename(path(name + ".new"), path(name))
    return path(name)


def openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True)
    if done.returncode != 0:
        sys.exit(done.stderr.decode())
    return done.stdout


def authority(name, names=""):
    """An authority; with names, one that serves by its own certificate."""
    extensions = ["-addext", f"subjectAltName={names}"] if names else []
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", *extensions,
            "-keyout", path(f"{name}.key"), "-out", path(f"{name}.crt"))


def certificate(name, subject, issuer, names=""):
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", path(f"{name}.key"),
            "-out", path(f"{name}.csr"))
    extensions = write(f"{name}.ext", f"subjectAltName={names}\n" if names else "keyUsage=digitalSignature\n")
    openssl("x509", "-req", "-days", "2", "-in", path(f"{name}.csr"), "-CA", path(f"{issuer}.crt"), "-CAkey",
            path(f"{issuer}.key"), "-CAcreateserial", "-extfile", extensions, "-out", path(f"{name}.crt"))


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def own_address():
    """An address of this host that is not a loopback one, since requests are not passed on to those."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            return probe.getsockname()[0]
        except OSError:
            print("skipped: this host has no address but loopback ones")
            sys.exit(77)


class Server:
    """A server on data and a port of its own, whose administrator has a token."""

    def __init__(self, binary, kubectl, *flags):
        self.port, self.client, self.process = free_port(), kubectl, None
        tokens = write("tokens.csv", 'secret,admin,admin,"system:masters"\n')
        self.command = [binary, "serve", "--data-dir", path("data"), "--secure-port", str(self.port), "--bind-address",
                        "127.0.0.1", "--token-auth-file", tokens, *flags]
        self.start()

    def start(self):
        """Starts it, again on its data, and waits until it is ready."""
        with open(path("log"), "a") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        for _ in range(300):
            if self.process.poll() is not None:
                break
            try:
                if self.ask("GET", "/readyz", raw=True)[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        sys.exit("the server is not ready:\n" + open(path("log")).read())

    def connection(self, seconds=40):
        context = ssl._create_unverified_context()
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=seconds, context=context)

    def ask(self, method, target, body=None, media="application/json", raw=False, accept="application/json"):
        held = self.connection()
        headers = {"Authorization": "Bearer secret", "Content-Type": media, "Accept": accept}
        held.request(method, target, json.dumps(body) if body is not None else None, headers)
        answer = held.getresponse()
        text = answer.read()
        held.close()
        return answer.status, text.decode() if raw else json.loads(text)

    def kubectl_command(self, *arguments):
        return [self.client, "--server", f"https://127.0.0.1:{self.port}", "--insecure-skip-tls-verify", "--token",
                "secret", "--cache-dir", path("cache"), *arguments]

    def kubectl(self, *arguments, data=None, **environment):
        """What kubectl prints, errors too."""
        done = subprocess.run(self.kubectl_command(*arguments), input=data, capture_output=True, text=True, timeout=60,
                              env={**os.environ, **environment})
        return (done.stdout + done.stderr).strip()

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
