# Everything that the repository offers. Needs Python 3.11 (PYTHON=… names another one) and make, nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/*/pyproject.toml)
STAMP := $(VENV)/.installed
# Tests run in two processes, each with its own PostgreSQL; TESTS=tests/http runs a part.
TESTS ?=
JOBS ?= 2
# Compiled modules are kept whatever the environment says: tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install run test lint format docs bench soak lock clean

install: $(STAMP)

# One stamp: nothing is asked of an index while the lock and the packages' own descriptions are unchanged.
$(STAMP): requirements.lock pyproject.toml $(PLUGINS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index \
	  --editable . $(foreach plugin,$(PLUGINS),--editable $(dir $(plugin)))
	touch $@

run: install
	$(BIN)/maydan demo --port 8000

test: install
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(TESTS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# After a change of settings: writes their tables into docs/settings.md.
docs: install
	$(BIN)/python tests/contract/settings_page.py

bench: install
	$(BIN)/python -m bench

# What takes too long for `make test`; SOAK=faults runs one part (bench/soak.py has the others, and how often and long).
soak: install
	$(BIN)/python -m bench.soak

# After a change of dependencies: pins every version with its hashes, for every platform that Python 3.11 runs on.
# requirements.lock has what development needs; deploy/requirements.lock the part of it that a server needs.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links --no-emit-package maydan $(PLUGINS:plugins/%/pyproject.toml=--no-emit-package maydan-%)

lock: install
	$(COMPILE) --group dev pyproject.toml $(PLUGINS) --output-file requirements.lock
	$(COMPILE) --constraint requirements.lock pyproject.toml $(PLUGINS) --output-file deploy/requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
