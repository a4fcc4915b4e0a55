# obs: the two commands to know are `make run` and `make test`; both install the system packages that are missing.

SHELL := /bin/bash
SWIFT ?= swift
PREFIX ?= /usr/local

# What the build links: HTTP out (libcurl), regular expressions (RE2), SQLite, and what reads compressed files (bzip2, xz, zstd, zlib); pkg-config, with which
# SwiftPM finds them.
PACKAGES := pkg-config libbz2-dev libcurl4-openssl-dev liblzma-dev libre2-dev libsqlite3-dev libzstd-dev zlib1g-dev
# What the tests run beside obs: Prometheus with promtool, Alertmanager's amtool, jq; what writes compressed files.
TEST_PACKAGES := prometheus prometheus-alertmanager jq bzip2 xz-utils zstd openssl

BINARY = $(shell $(SWIFT) build -c release --show-bin-path)/obs

.PHONY: run fuzz test test-all build builtin references cases measure sbom install format lint bench dependencies test-dependencies clean help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

run: build ## Build, then show obs at work for a minute: simulated SSH traffic, attacks, incidents, a webhook
	"$(BINARY)" demo --for $${OBS_DEMO_FOR:-60s}

build: dependencies ## Build the release binary
	$(SWIFT) build -c release --product obs

# What changes obs is built without a warning (Package.swift).
test references: export OBS_STRICT = 1
test-all: export OBS_STRICT = 1

test: dependencies test-dependencies ## Run every test; a warning of the compiler is an error here
	$(SWIFT) build --build-tests
	SWIFT="$(SWIFT)" scripts/run-tests
	$$($(SWIFT) build --show-bin-path)/obs rules test alerts/detections/tests/*.yml
	promtool check rules alerts/*.yml
	promtool test rules alerts/tests/*.yml

test-all: test ## Run also what is slow: every failing call, a thousand random faults, kills, rotations and reloads at scale
	SWIFT="$(SWIFT)" scripts/run-slow-tests

builtin: ## Put pipelines/, alerts/detections/ and runbooks/ into the program, after a change there
	scripts/embed-builtin

references: ## Write the pages that are made from the code (docs/cli.md, docs/metrics.md, docs/schema.md, docs/man …), after a change there
	$(SWIFT) build --build-tests
	OBS_WRITE_REFERENCES=1 $(SWIFT) test --skip-build --filter 'The reference of'

cases: ## Make the cases again that Spark and Alertmanager answer (Tests/Cases); wants pyspark and amtool
	python3 Tests/AlertingTests/Peers/alertmanager_cases.py 1 40 Tests/Cases/alerting
	$${OBS_PEERS_PYTHON:-python3} Tests/StreamingTests/Peers/spark_cases.py 1 24 Tests/Cases/streaming/cases.json

measure: ## Measure how the code is cut and explained, and write docs/house.md
	scripts/measure --write

sbom: build ## Write what the binary is made of to obs.spdx.json (SPDX 2.3), and list the licences
	scripts/sbom "$(BINARY)" > obs.spdx.json
	scripts/sbom --licenses "$(BINARY)"

install: build ## Install the binary to PREFIX/bin, the man pages to PREFIX/share/man
	install -D -m 0755 "$(BINARY)" "$(DESTDIR)$(PREFIX)/bin/obs"
	install -d "$(DESTDIR)$(PREFIX)/share/man/man1"
	install -m 0644 docs/man/*.1 "$(DESTDIR)$(PREFIX)/share/man/man1"

format: ## Format all Swift sources, and wrap their comments
	scripts/wrap-comments Sources Tests
	$(SWIFT) format --in-place --parallel --recursive --configuration .swift-format Sources Tests Package.swift

lint: ## Say what `make format` would change, and which limit of docs/house.md is broken
	$(SWIFT) format lint --strict --parallel --recursive --configuration .swift-format Sources Tests Package.swift
	scripts/measure --check

bench: build ## Run the benchmarks; peers (Polars, DuckDB, …) are compared when they are installed
	Benchmarks/run

# What `make fuzz` fuzzes, and for how many seconds each.
TARGET ?= all
SECONDS_EACH ?= 600

fuzz: dependencies ## Fuzz ways in for bytes from outside with libFuzzer: TARGET=name (all), SECONDS_EACH=600
	SWIFT="$(SWIFT)" scripts/fuzz "$(TARGET)" "$(SECONDS_EACH)"

dependencies:
	@scripts/install-packages $(PACKAGES)

test-dependencies:
	@scripts/install-packages $(TEST_PACKAGES)

clean: ## Remove what was built
	$(SWIFT) package clean
