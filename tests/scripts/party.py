"""What scripts share that are other parties to a server: checks that are counted, a directory of their own for files, and
keys and certificates made by openssl.
"""
import os, socket, subprocess, sys, tempfile

WORK = tempfile.mkdtemp()
passed = failed = 0


def check(what, found, expected):
    global passed, failed
    if found == expected:
        passed += 1
    else:
        failed += 1
        print(f"-- {what}: {found!r}, and {expected!r} was expected")


def finish(name):
    """Ends the script. The last line has the counts, as `.ci/run` reads them."""
    print(f"{name}: {passed} passed, {failed} failed")
    sys.exit(failed > 0)


def path(name):
    return os.path.join(WORK, name)


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


def authority(name):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
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
