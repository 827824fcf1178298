# Everything that this project installs, caches or writes stays inside this directory.
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-builtin-rules --no-print-directory

ROOT  := $(CURDIR)
BOOT  := var/boot
VENV  := .venv
PY    := $(VENV)/bin/python
LOCK  := requirements/lock.txt
# A virtual environment holds absolute paths: a moved or copied checkout gets a new one.
STAMP := $(VENV)/.installed-$(shell printf %s "$(CURDIR)" | cksum | cut -d' ' -f1)
PEERS := .venv-peers
PEER_STAMP := $(PEERS)/.installed-$(shell printf %s "$(CURDIR)" | cksum | cut -d' ' -f1)

# The first interpreter that really runs and is 3.11 to 3.13 (a version manager's shim may exist and not run).
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do \
	"$$p" -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,13))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)

export UV_CACHE_DIR        := $(ROOT)/var/cache/uv
export PIP_CACHE_DIR       := $(ROOT)/var/cache/pip
export TMPDIR              := $(ROOT)/var/tmp
export UV_NO_CONFIG        := 1
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE        ?= hardlink
export UV_COMPILE_BYTECODE ?= 0
export UV_HTTP_TIMEOUT     ?= 180
export UV_SYSTEM_CERTS     ?= true
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT        := 1
# pip asks `rustc --version` for its user agent; a rustup shim would write into the home folder.
export RUSTUP_HOME         := $(ROOT)/var/tmp/rustup
UV   := $(BOOT)/bin/uv
SYNC  = $(UV) pip sync -q --require-hashes --strict --build-constraints requirements/build.txt
COMPILE = $(UV) pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11
RUN   = $(VENV)/bin/quantdesk

.PHONY: help setup demo test check format bench lock clean check-python
help: ## Show the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

check-python:
	@test -n "$(PYTHON)" || { echo "Need Python 3.11, 3.12 or 3.13 on PATH (or: make PYTHON=/path/to/python3 ...)"; exit 2; }

$(UV): requirements/bootstrap.txt | check-python
	@mkdir -p var/tmp var/cache
	@echo "[1/3] uv, inside var/boot"
	@"$(PYTHON)" -m venv $(BOOT) >/dev/null 2>&1 || { rm -rf $(BOOT); echo "The Python module venv is missing (Debian: apt install python3-venv)"; exit 2; }
	@$(BOOT)/bin/python -m pip install -q --no-deps --require-hashes --only-binary :all: -r requirements/bootstrap.txt
	@touch $(UV)

$(STAMP): $(LOCK) requirements/build.txt pyproject.toml $(UV)
	@mkdir -p var/tmp
	@if [ -d $(VENV) ] && [ ! -e "$(STAMP)" ]; then rm -rf $(VENV); fi
	@test -x $(PY) || { echo "[2/3] virtual environment, in $(VENV)"; $(UV) venv -q --python "$(PYTHON)" $(VENV); }
	@echo "[3/3] packages"
	@# The cache first, so that it works without a network; only a miss goes to the registry.
	@$(SYNC) --python $(PY) --offline $(LOCK) 2>/dev/null || $(SYNC) --python $(PY) $(LOCK)
	@$(UV) pip install -q --python $(PY) --no-deps --no-build-isolation --offline -e .
	@touch "$(STAMP)"

setup: $(STAMP) ## Install everything into this folder (.venv, var).

demo: $(STAMP) ## Run a whole trading day's batch on real data.
	@$(RUN) demo

# A file's tests stay together, in their order: the long ones come early and fill one core.
test: $(STAMP) ## Run every test except the browser's.
	@$(PY) -m infra.isolation $(PY) -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(STAMP) ## Format, lint, types, import contracts.
	@$(PY) -m infra.isolation $(VENV)/bin/ruff format --check .
	@$(PY) -m infra.isolation $(VENV)/bin/ruff check .
	@$(PY) -m infra.isolation $(VENV)/bin/lint-imports
	@$(PY) -m infra.isolation $(VENV)/bin/mypy

format: $(STAMP) ## Format the code and mend what lint can mend.
	@$(PY) -m infra.isolation $(VENV)/bin/ruff format .
	@$(PY) -m infra.isolation $(VENV)/bin/ruff check --fix .

$(PEER_STAMP): requirements/peers.txt $(UV)
	@test -x $(PEERS)/bin/python || $(UV) venv -q --python "$(PYTHON)" $(PEERS)
	@$(SYNC) --python $(PEERS)/bin/python requirements/peers.txt
	@touch "$(PEER_STAMP)"

bench: $(STAMP) $(PEER_STAMP) ## Run a benchmark beside its peers: make bench NAME=features
	@test -n "$(NAME)" || { echo "Say which: make bench NAME=features (see benchmarks/)"; exit 2; }
	@$(PY) -m infra.isolation $(PY) -m benchmarks.$(NAME)

lock: $(UV) ## Resolve the dependencies again and write the lock files.
	@$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.txt
	@$(COMPILE) requirements/build.in -o requirements/build.txt
	@$(COMPILE) --group dev pyproject.toml -o $(LOCK)
	@$(COMPILE) requirements/peers.in -o requirements/peers.txt

clean: ## Remove the state, the caches and the environments.
	rm -rf var $(VENV) $(PEERS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .dvc/tmp .dvc/cache
