# routing-sidecar: build, try, test.  `make help` lists the targets.

BUILD   := .build/release
FLAGS   := -c release --static-swift-stdlib
SHELL   := /bin/sh

.PHONY: help run build test unit tls fuzz scenarios kubernetes kv sandbox chaos attack verify bench lint format install image clean

help:
	@echo "make run      build, then show a disaggregated request streaming through the sidecar, with a live picture"
	@echo "make test     all tests (unit, fuzz, scenarios, tls, chaos, attack, kubernetes, kv, sandbox); 20 minutes at most"
	@echo "make unit, fuzz, scenarios, tls, kubernetes, kv, sandbox, chaos, attack: one suite of make test each"
	@echo "make build    executables in $(BUILD)"
	@echo "make verify   the suites and numbers of SPECIFICATION.md at full size, with a record in verify-record/"
	@echo "make bench    SIDECAR_BENCH=path/to/bench.py: the sidecar against other proxies"
	@echo "make lint     style and structure"
	@echo "make install  PREFIX=/usr/local: binaries, owned by root, mode 0711"
	@echo "make image    IMAGE=routing-sidecar-image.tar: a container image of them, without a container engine"

build:
	@scripts/install-dependencies.sh build
	swift build $(FLAGS)

run: build
	@$(BUILD)/routing-sidecar-demo $(ARGS)

test: build
	@scripts/install-dependencies.sh test
	@scripts/check-structure.sh $(BUILD)
	swift test --disable-swift-testing
	$(MAKE) --no-print-directory fuzz SECONDS_EACH=15
	$(MAKE) --no-print-directory scenarios
	$(MAKE) --no-print-directory tls
	$(MAKE) --no-print-directory chaos KILLS=60
	$(MAKE) --no-print-directory attack DIALS=20000
	$(MAKE) --no-print-directory kubernetes
	$(MAKE) --no-print-directory kv
	$(MAKE) --no-print-directory sandbox

unit:
	swift test --disable-swift-testing

# TLS against other people's clients; keys in memory (as root), rotation under streams and endurance, in a minute.
# `make tls TLS_ARGS=` runs all that at full size, with the costs beside nginx's.
TLS_ARGS ?= --short
tls: build
	@scripts/install-dependencies.sh test
	SIDECAR_BUILD=$(CURDIR)/$(BUILD) python3 Tests/TLS/interop.py
	SIDECAR_BUILD=$(CURDIR)/$(BUILD) python3 Tests/TLS/full.py $(TLS_ARGS)

SECONDS_EACH ?= 60
fuzz:
	Tests/Fuzz/run.sh $(SECONDS_EACH)

scenarios: build
	@scripts/install-dependencies.sh test
	SIDECAR_BUILD=$(CURDIR)/$(BUILD) "$$(scripts/find-python.sh)" -m pytest -q -p no:cacheprovider Tests/Scenarios

kubernetes: build
	@scripts/install-dependencies.sh test
	SIDECAR_BUILD=$(CURDIR)/$(BUILD) "$$(scripts/find-python.sh)" -m pytest -q -p no:cacheprovider Tests/Kubernetes

kv: build
	@scripts/install-dependencies.sh test
	SIDECAR_BUILD=$(CURDIR)/$(BUILD) "$$(scripts/find-python.sh)" -m pytest -q -rs -p no:cacheprovider Tests/KV

# The whole workload under strace takes minutes; `make sandbox SANDBOX_ARGS=` runs that too.
SANDBOX_ARGS ?= --ignore=Tests/Sandbox/test_policy_redundancy.py
sandbox: build
	@scripts/install-dependencies.sh test
	SIDECAR_BUILD=$(CURDIR)/$(BUILD) "$$(scripts/find-python.sh)" -m pytest -q -rs -p no:cacheprovider $(SANDBOX_ARGS) Tests/Sandbox

KILLS ?= 300
chaos: build
	SIDECAR_BUILD=$(CURDIR)/$(BUILD) python3 Tests/Chaos/chaos.py --kills $(KILLS)

DIALS ?= 100000
attack: build
	SIDECAR_BUILD=$(CURDIR)/$(BUILD) python3 Tests/Attack/attack.py --dials $(DIALS)

verify: build
	SIDECAR_BUILD=$(CURDIR)/$(BUILD) python3 Tests/Verify/verify.py

bench: build
	@test -n "$(SIDECAR_BENCH)" || { echo "make bench needs SIDECAR_BENCH=path/to/bench.py (see README, Performance)" >&2; exit 2; }
	BENCH_SWIFT_CMD='$(CURDIR)/$(BUILD)/routing-sidecar --port {port} --vllm-port {decode_port} --connector nixlv2 --secure-proxy=false --allow-loopback-upstreams --handoff-block-ids=any --admin-port=0 --control-socket=off --loops=1' \
		python3 "$(SIDECAR_BENCH)" run --wait-quiet 0.3 -r 3 -p swift,haproxy,nginx,envoy,vllm-router --ref haproxy $(ARGS)

lint:
	swift format lint --strict --recursive Sources Tests Package.swift
	@scripts/check-structure.sh $(BUILD)

format:
	swift format --in-place --recursive Sources Tests Package.swift

PREFIX ?= /usr/local
install: build
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 0711 -s $(addprefix $(BUILD)/routing-sidecar,-watcher -dialer -proxy -kv-agent -signer -resolver -probe) \
		$(BUILD)/routing-sidecar $(DESTDIR)$(PREFIX)/bin

IMAGE ?= routing-sidecar-image.tar
image: build
	@scripts/install-dependencies.sh image
	python3 scripts/make-image.py $(BUILD) "$(IMAGE)" $(if $(TAG),--tag "$(TAG)")

clean:
	rm -rf .build verify-record
