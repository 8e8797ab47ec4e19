# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROTO := bridge/sources/codecs
SECONDS ?= 30

.PHONY: help demo test check unit bench fmt lock proto clean

help:
	@echo "make demo   the whole job in half a minute: simulated room -> bridge -> local MetaStudio"
	@echo "make test   format, lint, types and all tests: the line that CI runs"
	@echo "make bench  cost an event beside the floor measured in the same run, latency, memory"
	@echo "make fmt    format the code"
	@echo "make lock   resolve the lock files anew"
	@echo "make proto  compile the .proto files"

demo: $(VENV)/run
	$(BIN)/live-event-bridge demo --seconds $(SECONDS)

test: check unit

check: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

unit: $(VENV)/dev
	$(BIN)/pytest

bench: $(VENV)/dev
	$(BIN)/python -m tests.bench

fmt: $(VENV)/dev
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

lock: $(VENV)/dev
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --custom-compile-command "make lock" pyproject.toml --group dev -o requirements-dev.lock

proto: $(VENV)/dev
	$(BIN)/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. $(PROTO)/*.proto

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Debian's python3 comes without what venv needs. What is there is used; root gets the rest installed, others are told.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is missing or too old: Python 3.11 or newer is needed, for example make PYTHON=python3.13" >&2; \
	  exit 1; }
	@if $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  $(PYTHON) -m venv $(VENV); \
	elif $(PYTHON) -c 'import virtualenv' 2>/dev/null; then \
	  $(PYTHON) -m virtualenv -q $(VENV); \
	elif $(PYTHON) -c 'import pip, venv' 2>/dev/null; then \
	  $(PYTHON) -m venv --without-pip $(VENV) \
	  && $(PYTHON) -m pip --python $(VENV)/bin/python install -q --disable-pip-version-check pip; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing $(notdir $(PYTHON))-venv, which this $(PYTHON) lacks"; \
	  apt-get update -qq \
	  && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(notdir $(PYTHON))-venv >/dev/null \
	  && $(PYTHON) -m venv $(VENV); \
	else \
	  echo "$(PYTHON) cannot make a virtual environment." >&2; \
	  echo "On Debian or Ubuntu: sudo apt-get install $(notdir $(PYTHON))-venv, then the same command again." >&2; \
	  exit 1; \
	fi

$(VENV)/run: requirements.lock pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@
