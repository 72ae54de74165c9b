"""Certificates for a test, made by the openssl program."""
import subprocess

KEYS = {
    "p256": ["ecparam", "-name", "prime256v1", "-genkey", "-noout"],
    "p384": ["ecparam", "-name", "secp384r1", "-genkey", "-noout"],
    "rsa": ["genrsa", "2048"],
    "ed25519": ["genpkey", "-algorithm", "ed25519"],
}
NAMES = "DNS:localhost,IP:127.0.0.1"


def openssl(folder, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def leaf(folder, name, kind, names, days=30):
    (folder / f"{name}.key").write_text(openssl(folder, *KEYS[kind]))
    (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
    openssl(folder, "req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr", "-config",
            "request.cnf")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.crt")


def make_pki(folder):
    """An authority `ca`, a server's leaf of each kind of key, `expired`, and a client's with a SPIFFE identity."""
    (folder / "request.cnf").write_text("[req]\ndistinguished_name=n\n[n]\n")
    (folder / "ca.key").write_text(openssl(folder, *KEYS["p256"]))
    openssl(folder, "req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=ca", "-days", "30", "-out", "ca.crt",
            "-config", "request.cnf", "-addext", "basicConstraints=critical,CA:TRUE")
    for kind in KEYS:
        leaf(folder, kind, kind, NAMES)
    leaf(folder, "expired", "p256", NAMES, days=-1)
    leaf(folder, "client", "p256", "URI:spiffe://cluster.local/ns/llm/sa/gateway")
    return folder
