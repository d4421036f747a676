# What a person does here, by name. CI runs the same: .ci/run is `make check` and `make test`.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup setup-demo setup-test setup-bench build demo test test-live test-kernels check \
	fmt lint tidy docs bench fuzz clean

TARGET := $(or $(CARGO_TARGET_DIR),target)
LOG := $(TARGET)/test.log
FUZZ_SECONDS ?= 60
# Programs that the setup fetches for the tests; those with TLS within are looked into.
TOOLS := $(or $(REDSIGHT_TOOLS),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/redsight-tools)
export REDSIGHT_TLS_FILES ?= $(TOOLS)/python/packages:$(TOOLS)/node/node_modules

help: ## This list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## Install what a build needs (apt, only what is missing).
	scripts/setup.sh build

setup-demo:
	scripts/setup.sh build demo

setup-test: ## Install what the tests need.
	scripts/setup.sh build test

setup-bench:
	scripts/setup.sh build bench

build: setup ## Build target/release/redsight.
	cargo build --release --locked -p redsight

demo: setup-demo ## A small shop under load, live. ARGS=--stay keeps it without a terminal.
	python3 tests/demo/run.py $(ARGS)

# Both are built side by side: the end of a release build keeps one core busy. Both parts run even if
# the first fails; the last line counts both.
test: setup-test ## Every test: unit, cases and live. Ends with the counts.
	cargo test --workspace --locked --no-run --quiet & \
	cargo build --release --locked -p redsight; wait
	mkdir -p $(TARGET)
	failed=0; \
	cargo test --workspace --locked --no-fail-fast 2>&1 | tee $(LOG) || failed=1; \
	python3 tests/run_live.py 2>&1 | tee $(LOG).live || failed=1; \
	scripts/count_tests.py $(LOG) $(LOG).live || failed=1; \
	exit $$failed

test-live: setup-test ## The live tests alone. ARGS= words that pick some.
	cargo build --release --locked -p redsight
	python3 tests/run_live.py $(ARGS)

# A binary of its own, that needs nothing of the machine it runs on. LIBBPF_SYS_LIBRARY_PATH is where
# Debian keeps libelf.a and libz.a.
test-kernels: ## The static agent in five kernels, under QEMU. ARGS= versions that pick some.
	scripts/setup.sh build kernels
	LIBBPF_SYS_LIBRARY_PATH=/usr/lib/$$(cc -dumpmachine) cargo rustc --release --locked \
	-p redsight --bin redsight --features static --target-dir $(TARGET)/static \
	-- -C target-feature=+crt-static
	python3 tests/kernels/run.py $(ARGS)

check: setup fmt lint tidy ## Form, lints and the rules of STYLE.md.

fmt:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-targets --locked -- -D warnings

tidy:
	cargo xtask tidy

docs: ## Write what is made from the source: protocols, commands, configuration, filters, API.
	cargo xtask protocol-docs
	BLESS=1 cargo test --locked -p redsight --bin redsight pages
	BLESS=1 cargo test --locked -p redsight-model --test filter_page
	BLESS=1 cargo test --locked -p redsight-web --lib openapi

bench: setup-bench ## Measure, and write docs/benchmarks.md. ARGS='--only nginx' for one group.
	cargo build --release --locked -p redsight
	python3 benches/run.py $(ARGS)

fuzz: setup ## Every fuzz target under libFuzzer, FUZZ_SECONDS each. ARGS= words that pick some.
	scripts/fuzz.py --seconds $(FUZZ_SECONDS) $(ARGS)

clean: ## Remove what was built.
	cargo clean
