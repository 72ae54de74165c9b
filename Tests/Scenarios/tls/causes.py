"""Why a certificate directory can be of no use; each makes one, in a folder of its own."""

import pki


def missing_directory(certificates):
    return certificates.folder / "there-is-none"


def empty(certificates):
    return certificates.new_directory()


def no_key(certificates):
    path = certificates.new_directory("p256")
    (path / "tls.key").unlink()
    return path


def no_certificate(certificates):
    path = certificates.new_directory("p256")
    (path / "tls.crt").unlink()
    return path


def unreadable(certificates):
    """For root there are no unreadable files: a directory is in its place."""
    path = no_key(certificates)
    (path / "tls.key").mkdir()
    return path


def dangling(certificates):
    path = no_certificate(certificates)
    (path / "tls.crt").symlink_to("..data/tls.crt")
    return path


def encrypted(certificates):
    path = certificates.new_directory("p256")
    pki.openssl(path, "pkey", "-in", "tls.key", "-aes256", "-passout", "pass:secret", "-out", "encrypted.key")
    (path / "encrypted.key").rename(path / "tls.key")
    (path / "tls.key").chmod(0o644)
    return path


def mismatched(certificates):
    return certificates.new_directory("p256", key="second")


def mismatched_kind(certificates):
    return certificates.new_directory("p256", key="rsa")


def expired(certificates):
    return certificates.new_directory("expired")


def not_yet_valid(certificates):
    return certificates.new_directory("future")


def no_pem(certificates):
    path = certificates.new_directory("p256")
    (path / "tls.crt").write_text("this is no certificate\n")
    return path


def cut_off(certificates):
    path = certificates.new_directory("p256")
    text = (path / "tls.crt").read_text()
    (path / "tls.crt").write_text(text[: len(text) // 2])
    return path


def swapped(certificates):
    path = certificates.new_directory("p256")
    certificate, key = (path / "tls.crt").read_bytes(), (path / "tls.key").read_bytes()
    (path / "tls.crt").write_bytes(key)
    (path / "tls.key").write_bytes(certificate)
    return path


def with_the_key(certificates):
    """Both in one file, as some servers want them."""
    path = certificates.new_directory("p256")
    with open(path / "tls.crt", "ab") as file:
        file.write((path / "tls.key").read_bytes())
    return path


def endless(certificates):
    path = certificates.new_directory("p256")
    with open(path / "tls.crt", "ab") as file:
        file.truncate(64 << 20)
    return path


MISSING = [missing_directory, empty, no_key, no_certificate, unreadable, dangling]
BROKEN = [encrypted, mismatched, mismatched_kind, expired, not_yet_valid, no_pem, cut_off, swapped, with_the_key, endless]
ALL = MISSING + BROKEN
