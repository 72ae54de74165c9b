#!/bin/sh
# Installs what is missing on a Debian machine that has Swift. Says what it installs; does nothing when all is there.
#   install-dependencies.sh build      what a build needs
#   install-dependencies.sh test       and what the tests need
#   install-dependencies.sh image      or what making an image needs
set -eu

if ! command -v swift >/dev/null 2>&1; then
    echo "Swift 6.2 or newer is needed and not on PATH; see https://www.swift.org/install/linux/" >&2
    exit 1
fi

need=""
[ -e /usr/include/linux/landlock.h ] && [ -e /usr/include/stdio.h ] || need="$need libc6-dev"
command -v git >/dev/null 2>&1 || need="$need git"
command -v pkg-config >/dev/null 2>&1 || need="$need pkg-config"
pkg-config --exists libcurl 2>/dev/null || need="$need libcurl4-openssl-dev"
[ -e /usr/include/ucp/api/ucp.h ] || need="$need libucx-dev"
[ -e /usr/include/openssl/ssl.h ] || need="$need libssl-dev"
if [ "${1:-build}" = test ]; then
    command -v openssl >/dev/null 2>&1 || need="$need openssl"
    "$(dirname "$0")/find-python.sh" >/dev/null 2>&1 || need="$need python3 python3-pytest"
    command -v curl >/dev/null 2>&1 || need="$need curl"
    command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || need="$need nginx-light"
    command -v cc >/dev/null 2>&1 || command -v clang >/dev/null 2>&1 || need="$need gcc"
fi
if [ "${1:-build}" = test ] || [ "${1:-build}" = image ]; then
    command -v python3 >/dev/null 2>&1 || need="$need python3"
    command -v strip >/dev/null 2>&1 || need="$need binutils"
    [ -e /etc/ssl/certs/ca-certificates.crt ] || need="$need ca-certificates"
fi
[ -n "$need" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "these packages are needed, and only root can install them:$need" >&2; exit 1; }
    as_root=sudo
fi
echo "installing:$need"
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $need
