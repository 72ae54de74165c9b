"""The cost of a request beside other proxies, measured by an external harness (SIDECAR_BENCH)."""

import json
import os
import pathlib
import statistics
import subprocess
import sys

COMMAND = ("{build}/routing-sidecar --port {{port}} --vllm-port {{decode_port}} --connector nixlv2 --secure-proxy=false"
           " --allow-loopback-upstreams --handoff-block-ids=any --admin-port=0 --control-socket=off --loops=1")
OWN = "swift"
PEERS = "haproxy,nginx,envoy,vllm-router"

# Scenario, figure, the most it may be, of whose figure; None: the figure itself.
LIMITS = [
    ("S1", "cpu_us_req", 1.0, "haproxy"),
    ("S2", "cpu_us_req", 0.2, "vllm-router"),
    ("S3", "cpu_us_chunk", 1.1, "haproxy"),
    ("S4", "cpu_us_chunk", 0.6, "vllm-router"),
    ("S5", "cpu_ms_8m", 0.25, "vllm-router"),
    ("S6", "kb_stream", 4, None),
    ("S8", "cpu_us_req", 1.5, "haproxy"),
    ("S7", "stream_abort_p50_us", 1000, None),
    ("S7", "prefill_abort_p50_us", 1000, None),
]
# With walls on at most this much of the cost without them.
WALLS = 1.05
WALLED = [("S1", "cpu_us_req"), ("S4", "cpu_us_chunk")]
# Above this share of a core used by others, a cell says more about the others than about the proxy.
QUIET = 0.5


def claim(scenario, figure, limit, reference):
    return f"benchmark {scenario} {figure}: at most {limit}" + (f" × {reference}" if reference else "")


def skip(record, why):
    for limit in LIMITS:
        record.add(claim(*limit), why, "NOT CHECKED")
    record.add("benchmark S1 to S8: no error, no lost or reordered chunk", why, "NOT CHECKED")
    record.add("benchmark conformance is clean", why, "NOT CHECKED")
    for walled in WALLED:
        record.add(cost_of_walls(*walled), why, "NOT CHECKED")


def cost_of_walls(scenario, figure):
    return f"benchmark {scenario} {figure}: with walls at most {WALLS} × without"


def median(cells, scenario, peer, figure):
    """Of the quiet rounds if there are any; (value, was it quiet)."""
    mine = [cell for cell in cells if (cell["scenario"], cell["peer"]) == (scenario, peer)]
    mine = [cell for cell in mine if isinstance(cell["out"].get(figure), (int, float))]
    quiet = [cell for cell in mine if cell["out"].get("others_cpu", 9) < QUIET]
    values = [cell["out"][figure] for cell in quiet or mine]
    return (statistics.median(values) if values else None), bool(quiet)


def add_to(record, build):
    harness = os.environ.get("SIDECAR_BENCH")
    if not harness or not pathlib.Path(harness).exists():
        skip(record, "SIDECAR_BENCH names no harness")
        return
    environment = os.environ | {"BENCH_SWIFT_CMD": COMMAND.format(build=build)}
    out = record.folder / "bench"
    run(record, "bench-check", [harness, "check", "-p", OWN], environment, "benchmark conformance is clean",
        lambda text: "exception" not in text)
    done = run(record, "bench-run", [
        harness, "run", "--wait-quiet", "0.3", "-r", "4", "-p", f"{OWN},{PEERS}", "--ref", "haproxy",
        "--out", str(out)], environment)
    if done is None or not (out / "results.json").exists():
        for limit in LIMITS:
            record.add(claim(*limit), "the harness did not finish; see bench-run.log", "missed")
        return
    judge(record, json.loads((out / "results.json").read_text())["cells"])
    walls(record, harness, build, environment)


def walls(record, harness, build, environment):
    """Both stand in one run, in turns; each round gives a ratio, since the machine's speed changes in the course of it."""
    bare = COMMAND.format(build=build) + " --sandbox=off --require-sandbox=off"
    out = record.folder / "walls"
    done = run(record, "bench-walls", [
        harness, "run", "--wait-quiet", "0.3", "-r", "12", "-s", "S1,S4", "-p", f"{OWN},bare", "--ref", "bare",
        "--peer-cmd", f"bare={bare}", "--out", str(out)], environment)
    cells = json.loads((out / "results.json").read_text())["cells"] if done else []
    for scenario, figure in WALLED:
        rounds = {}
        for cell in cells:
            if cell["scenario"] == scenario and cell["out"].get("others_cpu", 9) < QUIET:
                rounds.setdefault(cell["round"], {})[cell["peer"]] = cell["out"][figure]
        ratios = [both[OWN] / both["bare"] for both in rounds.values() if len(both) == 2]
        if not ratios:
            record.add(cost_of_walls(scenario, figure), "no quiet round of both", "NOT CHECKED")
            continue
        ratio = statistics.median(ratios)
        record.judge(cost_of_walls(scenario, figure),
                     f"{ratio:.3f}, median of {len(ratios)} rounds ({min(ratios):.2f} to {max(ratios):.2f})", ratio <= WALLS)


def judge(record, cells):
    for scenario, figure, limit, reference in LIMITS:
        value, quiet = median(cells, scenario, OWN, figure)
        base, base_quiet = median(cells, scenario, reference, figure) if reference else (1, True)
        if not base or value is None:
            record.add(claim(scenario, figure, limit, reference), "no figure to compare", "NOT CHECKED")
            continue
        text = f"{value:.2f}" + (f" / {base:.2f} = {value / base:.2f}" if reference else "")
        if not (quiet and base_quiet):
            text += ", the machine was busy"
        record.judge(claim(scenario, figure, limit, reference), text, value / base <= limit)
    own = [cell for cell in cells if cell["peer"] == OWN]
    problems = sorted({f"{cell['scenario']}: {text}" for cell in own for text in cell["problems"]})
    errors = sum(cell["out"].get("errors", 0) for cell in own)
    record.judge("benchmark S1 to S8: no error, no lost or reordered chunk",
                 f"{len(own)} cells, {errors} errors" + "".join(f"; {text}" for text in problems[:5]),
                 bool(own) and not errors and not problems)


def run(record, name, command, environment, statement=None, judge_output=None):
    with open(record.log(name), "w") as log:
        try:
            done = subprocess.run([sys.executable, *command], env=environment, stdout=log, stderr=subprocess.STDOUT,
                                  timeout=5400)
        except subprocess.TimeoutExpired:
            return None
    if statement:
        text = record.log(name).read_text()
        record.judge(statement, f"exit {done.returncode}, see {name}.log", done.returncode == 0 and judge_output(text))
    return done if done.returncode == 0 else None
