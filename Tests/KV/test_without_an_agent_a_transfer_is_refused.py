"""A transfer that can't begin says why: no agent, no sidecar, or one that is not ready."""

from agents import Engine, Sidecar, decodes, run


def test_it_is():
    decoder = Engine(decodes)
    sidecar = Sidecar(decoder)
    try:
        done = run("transfer", "--control-socket", sidecar.control_socket, "--peer=127.0.0.1:7800", "--length=1")
        assert done.returncode == 69 and "there is no KV agent" in done.stderr
        done = run("restart", "kv-agent", "--control-socket", sidecar.control_socket)
        assert done.returncode == 69 and "doesn't start it" in done.stderr
    finally:
        sidecar.stop()
        decoder.close()


def test_there_is_no_sidecar(tmp_path):
    done = run("transfer", "--control-socket", str(tmp_path / "none.sock"), "--peer=127.0.0.1:7800", "--length=1")
    assert done.returncode == 69 and "no sidecar answers" in done.stderr
