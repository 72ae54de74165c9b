#!/bin/sh
# Fuzzes every target for SECONDS (20 by default) over its committed corpus, with address checks and bounded memory.
#
#     Tests/Fuzz/run.sh [SECONDS] [TARGET...]      targets: json http ipc dns allowlist
#
# Exits 0 when nothing was found, 1 with the place of the input when something was. A toolchain without libFuzzer
# checks nothing and says so.
set -u

seconds=${1:-20}
[ $# -gt 0 ] && shift
targets=${*:-json http ipc dns allowlist}
case $seconds in
    '' | *[!0-9]*) echo "run.sh: '$seconds' is not a number of seconds; usage: Tests/Fuzz/run.sh [SECONDS] [TARGET...]" >&2; exit 2 ;;
esac

root=$(cd "$(dirname "$0")/../.." && pwd) || exit 2
out=$root/.build/fuzz
mkdir -p "$out/crashes" || exit 2
cd "$root" || exit 2

sanitize="-O -g -parse-as-library -swift-version 6 -sanitize=fuzzer,address"

# Is libFuzzer there at all? A probe tells that apart from a target that does not build.
cat >"$out/probe.swift" <<'PROBE'
@_cdecl("LLVMFuzzerTestOneInput")
public func probe(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt { 0 }
PROBE
# shellcheck disable=SC2086
if ! swiftc $sanitize "$out/probe.swift" -o "$out/probe" >"$out/probe.log" 2>&1; then
    echo "################################################################################" >&2
    echo "# FUZZING NOT CHECKED: this Swift toolchain cannot link libFuzzer.             #" >&2
    echo "# Install one with it (the toolchains of swift.org for Linux have it).         #" >&2
    echo "################################################################################" >&2
    tail -n 3 "$out/probe.log" >&2
    exit 0
fi

# Is a binary there that is newer than everything it is made from?
fresh() {
    binary=$1
    shift
    [ -x "$binary" ] && [ -z "$(find "$@" "$root/Tests/Fuzz/run.sh" -newer "$binary" -print | head -n 1)" ]
}

build_json() {
    fresh "$out/fuzz-json" Sources/JSON Tests/Fuzz/FuzzJSON.swift && return
    # shellcheck disable=SC2086
    swiftc $sanitize -module-name FuzzJSON Sources/JSON/*.swift Tests/Fuzz/FuzzJSON.swift -o "$out/fuzz-json"
}

build_http() {
    references="Tests/HTTPTests/ReferenceChunks.swift Tests/HTTPTests/ReferenceHead.swift"
    # shellcheck disable=SC2086
    fresh "$out/fuzz-http" Sources/HTTP $references Tests/Fuzz/FuzzHTTP.swift && return
    # shellcheck disable=SC2086
    swiftc $sanitize -module-name FuzzHTTP Sources/HTTP/*.swift $references Tests/Fuzz/FuzzHTTP.swift -o "$out/fuzz-http"
}

# Modules that import others are built one after the other, into a folder of their own: DIRECTORY MODULE...
build_modules() {
    modules=$1
    shift
    rm -rf "$modules"
    mkdir -p "$modules/CLinux" || return 1
    printf 'module CLinux { umbrella header "%s" export * }\n' "$root/Sources/CLinux/include/CLinux.h" \
        >"$modules/CLinux/module.modulemap"
    compiler=clang
    command -v clang >/dev/null 2>&1 || compiler=cc
    for source in Sources/CLinux/*.c; do
        "$compiler" -O1 -g -ISources/CLinux/include -c "$source" -o "$modules/$(basename "$source").o" || return 1
    done
    for module in "$@"; do
        # shellcheck disable=SC2086
        swiftc $sanitize -wmo -I "$modules" -I "$modules/CLinux" -module-name "$module" -emit-module \
            -emit-module-path "$modules/$module.swiftmodule" -emit-object -o "$modules/$module.o" \
            Sources/$module/*.swift || return 1
    done
}

build_ipc() {
    fresh "$out/fuzz-ipc" Sources/CLinux Sources/Linux Sources/IPC Tests/Fuzz/FuzzIPC.swift && return
    build_modules "$out/ipc" Linux IPC || return 1
    # shellcheck disable=SC2086
    swiftc $sanitize -I "$out/ipc" -I "$out/ipc/CLinux" -module-name FuzzIPC Tests/Fuzz/FuzzIPC.swift "$out/ipc"/*.o \
        -o "$out/fuzz-ipc"
}

build_allowlist() {
    reader=Tests/AllowlistTests/CarefulReader.swift
    fresh "$out/fuzz-allowlist" Sources/CLinux Sources/Linux Sources/Allowlist $reader Tests/Fuzz/FuzzAllowlist.swift &&
        return
    build_modules "$out/allowlist" Linux Allowlist || return 1
    # shellcheck disable=SC2086
    swiftc $sanitize -I "$out/allowlist" -I "$out/allowlist/CLinux" -module-name FuzzAllowlist $reader \
        Tests/Fuzz/FuzzAllowlist.swift "$out/allowlist"/*.o -o "$out/fuzz-allowlist"
}

# Swift's own crash reporter and the sanitizer's get in each other's way; the sanitizer's is the one that counts.
export SWIFT_BACKTRACE=enable=no

# What the resolver reads from outside, with the one part of another module that it needs.
build_dns() {
    parsers=
    for name in DomainName DNSReader DNSMessage HostText ResolvConf; do parsers="$parsers Sources/Resolver/$name.swift"; done
    addresses="Sources/Linux/Address.swift Sources/Linux/AddressParser.swift"
    # shellcheck disable=SC2086
    fresh "$out/fuzz-dns" $parsers $addresses Tests/Fuzz/FuzzDNS.swift && return
    mkdir -p "$out/dns" || return 1
    # shellcheck disable=SC2086
    swiftc $sanitize -wmo -module-name Linux -emit-module -emit-module-path "$out/dns/Linux.swiftmodule" -emit-object \
        -o "$out/dns/Linux.o" $addresses || return 1
    # shellcheck disable=SC2086
    swiftc $sanitize -module-name FuzzDNS -I "$out/dns" $parsers Tests/Fuzz/FuzzDNS.swift "$out/dns/Linux.o" \
        -o "$out/fuzz-dns"
}

failed=0
for target in $targets; do
    case $target in
        json | http | ipc | dns | allowlist) ;;
        *) echo "run.sh: there is no target '$target'; the targets are json, http, ipc, dns and allowlist" >&2; exit 2 ;;
    esac
    echo "fuzz $target: building"
    if ! "build_$target" >"$out/$target-build.log" 2>&1; then
        cat "$out/$target-build.log" >&2
        echo "fuzz $target: THE TARGET DOES NOT BUILD" >&2
        failed=1
        continue
    fi
    echo "fuzz $target: $seconds s"
    # What the fuzzer learns stays under .build; the committed corpus is only read.
    mkdir -p "$out/learned/$target"
    # What was found before is tried again, first of all.
    for earlier in "$out/crashes/$target-"*; do
        if [ -e "$earlier" ]; then mv "$earlier" "$out/learned/$target/"; fi
    done
    dictionary=
    [ -f "Tests/Fuzz/$target.dict" ] && dictionary=-dict=Tests/Fuzz/$target.dict
    # shellcheck disable=SC2086
    if "$out/fuzz-$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=512 \
        -print_final_stats=1 -artifact_prefix="$out/crashes/$target-" $dictionary \
        "$out/learned/$target" "Tests/Fuzz/corpus/$target" >"$out/$target.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$target.log")
        echo "fuzz $target: ok, ${runs:-?} inputs"
    else
        failed=1
        grep -E 'broken promise|SUMMARY|ERROR|Fatal' "$out/$target.log" | head -n 10 >&2
        echo "fuzz $target: FOUND SOMETHING. Log: $out/$target.log. Input:" >&2
        ls "$out/crashes/$target-"* >&2 2>/dev/null || echo "(none was written; see the log)" >&2
        echo "Again with: $out/fuzz-$target INPUT" >&2
    fi
done
exit $failed
