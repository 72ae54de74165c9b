"""tls.crt with an intermediate certificate behind the leaf: clients that know the root alone are content."""

from support.tls import plain_get, s_client


def test_it_is(launch_tls, certificates):
    sidecar = launch_tls(cert_path=certificates.directory("chained"))
    with sidecar.connect() as client:
        assert client.ask().status == 200
    out = s_client(sidecar.port, certificates, "-showcerts", text=plain_get())
    assert out.count("-----BEGIN CERTIFICATE-----") in (2, 3) and "Verify return code: 0" in out, out
