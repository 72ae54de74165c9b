"""Certificates for a test, made by the openssl program."""
import datetime
import subprocess

KEYS = {
    "p256": ["ecparam", "-name", "prime256v1", "-genkey", "-noout"],
    "p384": ["ecparam", "-name", "secp384r1", "-genkey", "-noout"],
    "rsa": ["genrsa", "2048"],
    "ed25519": ["genpkey", "-algorithm", "ed25519"],
}
NAMES = "DNS:localhost,IP:127.0.0.1"
REQUEST = """[req]
distinguished_name=n
[n]
[ca]
default_ca=any
[any]
database=issued
new_certs_dir=.
rand_serial=yes
unique_subject=no
policy=anything
default_md=sha256
[anything]
commonName=supplied
"""


def openssl(folder, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def authority(folder, name="ca"):
    """Someone who vouches for leaves: `name`.crt and `name`.key."""
    (folder / "request.cnf").write_text(REQUEST)
    (folder / f"{name}.key").write_text(openssl(folder, *KEYS["p256"]))
    openssl(folder, "req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days", "30", "-out",
            f"{name}.crt", "-config", "request.cnf", "-addext", "basicConstraints=critical,CA:TRUE")


def leaf(folder, name, kind, names, days=30, begins=None, issuer="ca"):
    """A certificate for `names`, valid for that many days (a negative number: expired), from now or from the day
    `begins` on, counted from today."""
    (folder / f"{name}.key").write_text(openssl(folder, *KEYS[kind]))
    (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
    openssl(folder, "req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr", "-config",
            "request.cnf")
    signed = ["-in", f"{name}.csr", "-extfile", f"{name}.ext", "-out", f"{name}.crt"]
    if begins is None:
        openssl(folder, "x509", "-req", "-CA", f"{issuer}.crt", "-CAkey", f"{issuer}.key", "-CAcreateserial", "-days",
                str(days), *signed)
        return
    (folder / "issued").touch()
    first = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=begins)
    last = first + datetime.timedelta(days=days)
    openssl(folder, "ca", "-batch", "-notext", "-config", "request.cnf", "-cert", f"{issuer}.crt", "-keyfile",
            f"{issuer}.key", "-startdate", f"{first:%Y%m%d%H%M%SZ}", "-enddate",
            f"{last:%Y%m%d%H%M%SZ}", *signed)


def self_signed(folder, name, names=NAMES):
    """A certificate that nobody but its own key vouches for."""
    (folder / f"{name}.key").write_text(openssl(folder, *KEYS["p256"]))
    openssl(folder, "req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days", "30", "-out",
            f"{name}.crt", "-config", "request.cnf", "-addext", f"subjectAltName={names}")


def make_pki(folder):
    """An authority `ca`, a server's leaf of each kind of key, `expired`, and a client's with a SPIFFE identity."""
    authority(folder)
    for kind in KEYS:
        leaf(folder, kind, kind, NAMES)
    leaf(folder, "expired", "p256", NAMES, days=-1)
    leaf(folder, "client", "p256", "URI:spiffe://cluster.local/ns/llm/sa/gateway")
    return folder


def chained(folder, name, names=NAMES):
    """A leaf behind an intermediate authority: `name`.crt holds both, leaf first."""
    (folder / f"{name}-issuer.ext").write_text("basicConstraints=critical,CA:TRUE\n")
    (folder / f"{name}-issuer.key").write_text(openssl(folder, *KEYS["p256"]))
    openssl(folder, "req", "-new", "-key", f"{name}-issuer.key", "-subj", f"/CN={name}-issuer", "-out", f"{name}-issuer.csr",
            "-config", "request.cnf")
    openssl(folder, "x509", "-req", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-in",
            f"{name}-issuer.csr", "-extfile", f"{name}-issuer.ext", "-out", f"{name}-issuer.crt")
    leaf(folder, name, "p256", names, issuer=f"{name}-issuer")
    with open(folder / f"{name}.crt", "a") as whole:
        whole.write((folder / f"{name}-issuer.crt").read_text())
