# Everything starts here: `make help`. Each target makes its own environment (.venv) first, once.

# 3.11 is what the product is tested with; any later one will do where 3.11 is not at hand.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
SECONDS ?= 120

.DEFAULT_GOAL := help
.PHONY: help run test lint bench soak clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) ## the whole pipeline on recorded data, 60 times as fast as life; Ctrl-C ends it (ARGS="--speed 20")
	@$(BIN)/hydrolog demo $(ARGS)

test: $(STAMP) ## every test (ARGS="tests/unit" for some of them)
	$(BIN)/pytest $(ARGS)

lint: $(STAMP) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP) ## the measured claims, one table each
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@for claim in $(filter-out bench/soak.py,$(wildcard bench/*.py)); do $(BIN)/python $$claim || exit 1; done

soak: $(STAMP) ## the real processes under random kills and faults, every row counted (SECONDS=3600 for an hour)
	@$(BIN)/python bench/soak.py $(SECONDS)

clean: ## remove caches and the demo's data; .venv stays
	rm -rf var .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# The stamp is older than pyproject.toml only when what is needed may have changed: a second call starts at once.
$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "python3.11 is not installed (Debian, Ubuntu: apt install python3.11 python3.11-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is too old: 3.11 or later is needed" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)
