#!/bin/sh
# What a process can do is what it links and imports: checks both, on the sources and on the built executables.
#   check-structure.sh [DIRECTORY OF EXECUTABLES]
set -eu
cd "$(dirname "$0")/.."
build=${1:-.build/release}
bad=0
say() { echo "structure: $*" >&2; bad=1; }

long_lived="Linux IPC Metrics HTTP JSON Allowlist Sandbox Admin Supervisor Dialer Proxy Resolver Configuration Watcher Audit Probe TLS Signer KVAgent"
for module in $long_lived; do
    if grep -rnE '^ *(@preconcurrency )?(public |internal )?import (Foundation|FoundationEssentials|Dispatch|NIO[A-Za-z]*)\b' \
        "Sources/$module"; then
        say "Sources/$module imports what a long-lived process must not use"
    fi
    if grep -rnE '\b(async|await|actor|Task)\b *[({:]' "Sources/$module" --include='*.swift' | grep -vE '//|///'; then
        say "Sources/$module uses Swift Concurrency"
    fi
done

linked() { ldd "$1" | awk '{print $1}' | sed 's#.*/##; s#\.so.*##' | sort -u; }

# links_only EXECUTABLE [LIBRARY...]: these, besides the C library and what Swift's runtime needs.
links_only() {
    exe=$1
    shift
    [ -x "$build/$exe" ] || { say "$build/$exe is missing"; return 0; }
    for library in $(linked "$build/$exe"); do
        case " linux-vdso ld-linux-x86-64 ld-linux-aarch64 libc libm libgcc_s libstdc++ libpthread libdl $* " in
            *" $library "*) ;;
            *) say "$exe links $library" ;;
        esac
    done
}
for exe in routing-sidecar routing-sidecar-dialer routing-sidecar-resolver routing-sidecar-probe; do
    links_only "$exe"
done
# The proxy speaks TLS, and links nothing else.
links_only routing-sidecar-proxy libssl libcrypto

# The watcher alone speaks to the Kubernetes API, with libcurl; nobody needs UCX there.
if [ -x "$build/routing-sidecar-watcher" ]; then
    linked "$build/routing-sidecar-watcher" | grep -qx libcurl || say "routing-sidecar-watcher does not link libcurl"
    ! linked "$build/routing-sidecar-watcher" | grep -qE '^libuc[pst]$' || say "routing-sidecar-watcher links UCX"
else
    say "$build/routing-sidecar-watcher is missing"
fi

# The KV agent alone speaks UCX, and links nothing else that talks to anybody.
if [ -x "$build/routing-sidecar-kv-agent" ]; then
    linked "$build/routing-sidecar-kv-agent" | grep -qx libucp || say "routing-sidecar-kv-agent does not link libucp"
    ! linked "$build/routing-sidecar-kv-agent" | grep -qxE 'libssl|libcrypto|libcurl' || say "routing-sidecar-kv-agent links TLS"
else
    say "$build/routing-sidecar-kv-agent is missing"
fi
for exe in "$build"/routing-sidecar "$build"/routing-sidecar-*; do
    case $exe in *-kv-agent | *.*) continue ;; esac
    [ -f "$exe" ] && [ -x "$exe" ] || continue
    ! linked "$exe" | grep -qE '^libuc[pst]$' || say "${exe##*/} links UCX"
done
if grep -rnE '#include <uc[pst]/' Sources --include='*.c' --include='*.h' | grep -v '^Sources/CUCX/'; then
    say "UCX is used outside Sources/CUCX"
fi

# Private keys are the signer's: it alone has the code that takes one, and it has none that speaks TLS.
if [ -x "$build/routing-sidecar-signer" ]; then
    linked "$build/routing-sidecar-signer" | grep -qx libcrypto || say "routing-sidecar-signer does not link libcrypto"
    ! linked "$build/routing-sidecar-signer" | grep -qxE 'libssl|libcurl' || say "routing-sidecar-signer links TLS"
else
    say "$build/routing-sidecar-signer is missing"
fi
if grep -rnE 'PEM_read_bio_PrivateKey|d2i_.*PrivateKey|EVP_PKEY_Q_keygen' Sources --include='*.c' | grep -v '^Sources/CSigner/'; then
    say "private keys are read outside Sources/CSigner"
fi

for file in $(find Sources Tests scripts -name '*.swift' -o -name '*.c' -o -name '*.h' -o -name '*.py'); do
    lines=$(wc -l < "$file")
    [ "$lines" -le 400 ] || grep -q "^$file: " scripts/long-files.txt ||
        say "$file has $lines lines (over 400) and no reason in scripts/long-files.txt"
done
[ "$bad" = 0 ] && echo "structure: ok"
exit "$bad"
