"""The record of a verification: one row for each claim, with what was measured and a verdict."""

import datetime
import os
import pathlib
import platform
import subprocess

MET, MISSED, NOT_CHECKED = "met", "missed", "NOT CHECKED"


class Record:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.folder = self.root / "verify-record"
        self.folder.mkdir(exist_ok=True)
        self.rows = []
        self.begun = datetime.datetime.now(datetime.timezone.utc)

    def add(self, claim, measured, verdict):
        self.rows.append((claim, measured, verdict))
        print(f"{verdict:<12}{claim}: {measured}", flush=True)
        self.write()

    def judge(self, claim, measured, holds):
        self.add(claim, measured, MET if holds else MISSED)

    def log(self, name):
        """The file for a step's whole output."""
        return self.folder / f"{name}.log"

    def count(self, verdict):
        return sum(1 for row in self.rows if row[2] == verdict)

    def write(self):
        """After every row, so that a run that is cut short leaves what it had."""
        lines = [
            "# Verification record", "",
            "Written by `make verify`. What could not be checked on this machine is NOT CHECKED, never met.", "",
            f"* Date: {self.begun:%Y-%m-%d %H:%M} UTC", f"* Commit: {self.commit()}", f"* Machine: {machine()}", "",
            "| claim | measured | verdict |", "|---|---|---|",
        ]
        lines += ["| " + " | ".join(str(cell).replace("|", "/").replace("\n", " ") for cell in row) + " |"
                  for row in self.rows]
        lines += ["", f"{self.count(MET)} met, {self.count(MISSED)} missed, {self.count(NOT_CHECKED)} not checked."]
        (self.folder / "RECORD.md").write_text("\n".join(lines) + "\n")

    def commit(self):
        def git(*arguments):
            done = subprocess.run(["git", "-C", str(self.root), *arguments], capture_output=True, text=True)
            return done.stdout.strip() if done.returncode == 0 else ""

        changed = " with uncommitted changes" if git("status", "--porcelain") else ""
        return (git("rev-parse", "--short=12", "HEAD") or "unknown") + changed


def machine():
    model = next((line.partition(":")[2].strip() for line in read("/proc/cpuinfo").splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = next((int(line.split()[1]) >> 20 for line in read("/proc/meminfo").splitlines()
                   if line.startswith("MemTotal")), 0)
    system = next((line.partition("=")[2].strip('"') for line in read("/etc/os-release").splitlines()
                   if line.startswith("PRETTY_NAME")), "Linux")
    return (f"{model}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} processors, {memory} GiB; {system}, "
            f"kernel {platform.release()}")


def read(path):
    try:
        return pathlib.Path(path).read_text()
    except OSError:
        return ""
