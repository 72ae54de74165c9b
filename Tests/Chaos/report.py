"""One line for each check, and a count at the end that decides the exit status."""

import sys
import time
import traceback


class NotChecked(Exception):
    """This machine does not allow the check; the text says what is missing."""


class Report:
    """Runs checks one after the other. A check returns a detail for its line, or None."""

    def __init__(self, name, only=None):
        self.name, self.only = name, only
        self.passed, self.failed, self.skipped = [], [], []

    def run(self, sentence, check):
        if self.only and self.only.lower() not in sentence.lower():
            return None
        begun = time.monotonic()
        try:
            detail = check()
        except NotChecked as why:
            self.skipped.append(sentence)
            self._line("NOT CHECKED", sentence, str(why), begun)
            return False
        except Exception as failure:  # one failed check must not hide the others
            self.failed.append(sentence)
            self._line("FAILED", sentence, describe(failure), begun)
            return False
        self.passed.append(sentence)
        self._line("ok", sentence, detail, begun)
        return True

    def _line(self, verdict, sentence, detail, begun):
        text = f"{verdict:<12}{sentence}"
        if detail:
            text += f" ({detail})" if "\n" not in str(detail) else "\n" + indented(str(detail))
        print(f"{text} [{time.monotonic() - begun:.1f} s]", flush=True)

    def close(self):
        """Prints the closing line; returns the exit status."""
        print(f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped", flush=True)
        return 1 if self.failed else 0


def indented(text):
    return "\n".join("            " + line for line in text.splitlines())


def describe(failure):
    """What was asserted, and where; the whole trace only where nothing was said."""
    frames = traceback.extract_tb(failure.__traceback__)
    place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "nowhere"
    outer = next((frame for frame in reversed(frames) if "Scenarios" not in frame.filename), None)
    if outer is not None:
        place = f"{outer.filename.rsplit('/', 1)[-1]}:{outer.lineno}"
    text = str(failure) or repr(failure)
    if not isinstance(failure, AssertionError):
        text = f"{type(failure).__name__}: {text}"
    return f"{text}\nat {place}"


def stop_unless_linux():
    if not sys.platform.startswith("linux"):
        print("0 passed, 0 failed, 0 skipped (Linux only)")
        raise SystemExit(0)
