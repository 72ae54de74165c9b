"""Looking for a private key in the memory of a process."""
import re
import subprocess


def key_needles(path):
    """What a key looks like in memory: its secret numbers in both byte orders, and its file's text."""
    text = subprocess.run(["openssl", "pkey", "-in", str(path), "-text", "-noout"], capture_output=True, text=True,
                          check=True).stdout
    numbers = {}
    for name, digits in re.findall(r"^(priv|privateExponent|prime1|prime2|exponent1|coefficient):\n((?: +[0-9a-f:]+\n)+)",
                                   text, re.MULTILINE):
        numbers[name] = bytes.fromhex(re.sub(r"[:\s]", "", digits)).lstrip(b"\0")
    if not numbers:
        raise RuntimeError("the key's numbers were not found in what openssl says of it")
    needles = {}
    for name, value in numbers.items():
        needles[f"{name} (big-endian)"] = value
        needles[f"{name} (little-endian)"] = value[::-1]
        # Half of it would be enough to find the rest.
        needles[f"half of {name} (big-endian)"] = value[: len(value) // 2]
        needles[f"half of {name} (little-endian)"] = value[::-1][: len(value) // 2]
    body = [line for line in path.read_text().splitlines() if not line.startswith("-")]
    needles["the file's text"] = body[0].encode()
    return needles


def occurrences(pid, needles):
    """Which needles are in any readable mapping, and how many bytes were looked at."""
    found, size = set(), 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            span, rights, *rest = line.split()
            if not rights.startswith("r") or rest[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except (OSError, ValueError):
                # A mapping that has gone meanwhile, or a device's.
                continue
            size += len(data)
            found |= {name for name, needle in needles.items() if needle in data}
    return found, size
