"""Wrong settings: exit 64, every mistake on stderr with its flag and value, and nothing was started."""

import pytest

from harness import run

GOOD = ["--secure-proxy=false", "--control-socket", "off"]


WRONG = ["--port", "70000", "-vllm-port=abc", "--conector", "nixlv2", "--prefill-timeout", "-3s", "--loops=1000"]
TRACES = ["port", "70000", "vllm-port", "abc", "--conector", "connector", "prefill-timeout", "-3s", "loops", "1000"]


def test_all_at_once():
    network = ["--deny", "10.0.0.0/99"]
    done = run("--secure-proxy=false", *WRONG, *network, env={"CONNECTOR_TYPE": "quantum"})
    assert done.returncode == 64
    for trace in [*TRACES, *network, "CONNECTOR_TYPE", "quantum"]:
        assert trace in done.stderr, f"{trace} is not mentioned in:\n{done.stderr}"
    assert done.stdout == ""


@pytest.mark.parametrize(
    "wrong",
    [
        ["--port", "0"],
        ["--port"],
        ["--no-such-flag"],
        ["nonsense"],
        ["--max-body-bytes", "many"],
        ["--handoff-block-ids", "round"],
        ["--secure-proxy=maybe"],
        ["--listen-address", "example.com"],
        ["--port", "8000", "--vllm-port", "8000"],
        ["--port", "8000", "--port", "8001"],
        ["--enable-ssrf-protection=true"],
        ["--client-certificates=required"],
        ["--connector", "lmcache"],
        ["--data-parallel-size", "2"],
    ],
    ids=" ".join,
)
def test_each_exits_64(wrong):
    done = run(*GOOD, *wrong)
    assert done.returncode == 64, done.stderr
    assert wrong[0].lstrip("-").split("=")[0] in done.stderr


def test_check_config_tells_the_source_of_a_value():
    done = run("check-config", "--secure-proxy=false", "--port", "8123", env={"VLLM_PORT": "8124"})
    assert done.returncode == 0 and "8123" in done.stdout and "8124" in done.stdout and "VLLM_PORT" in done.stdout
    assert run("check-config", "--port", "x").returncode == 64


@pytest.mark.parametrize("flag", ["--help", "-help", "--version", "help", "version"])
def test_help_and_version(flag):
    done = run(flag)
    assert done.returncode == 0 and done.stdout
    assert "help" not in flag or "--secure-proxy" in done.stdout
