#!/bin/sh
# Prints a Python of at least 3.9 that has pytest; fails when there is none.
for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import sys, pytest; sys.exit(sys.version_info < (3, 9))' >/dev/null 2>&1; then
        command -v "$candidate"
        exit 0
    fi
done
echo "no Python with pytest was found; scripts/install-dependencies.sh test installs one" >&2
exit 1
