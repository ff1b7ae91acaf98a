# Start here: `make help`. Each target first creates the environment that it needs, once.

# hydrolog is tested most with 3.11; a later Python is used if 3.11 is not installed. A Python that you name
# (PYTHON=python3.13) gets its own environment.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell command -v python3.11 || command -v python3)
VENV := .venv
else
VENV := .venv-$(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
endif
BIN := $(VENV)/bin
# One stamp for the runtime dependencies, one for the additional tools of tests and linters.
RUN := $(VENV)/.run
DEV := $(VENV)/.dev
# The exact versions tested together; `make lock` updates them.
CONSTRAINTS := deploy/constraints.txt
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS)
# Each start of a process would compile the product anew.
unexport PYTHONDONTWRITEBYTECODE
ARGS ?=
SECONDS ?= 120
BROKERS ?= 1
ROUNDS ?= 200

# Wheels from `make wheels` are found before the internet is used, and without internet with PIP_NO_INDEX=1.
ifneq ($(wildcard wheels),)
export PIP_FIND_LINKS := $(strip $(PIP_FIND_LINKS) wheels)
endif

# An environment works only in its original place and with its original Python; if either changed, it is created again.
$(shell [ -x $(BIN)/python ] && grep -qsF " $$(pwd -P)/$(VENV)" $(VENV)/pyvenv.cfg || rm -f $(VENV)/pyvenv.cfg $(RUN) $(DEV))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-lowest test-newest lint words mutate bench soak soak-center soak-power wheels deb sbom lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN) ## the whole pipeline on recorded data, at 60 times real speed; Ctrl-C stops it (ARGS="--speed 20")
	@$(BIN)/python -P -m cli demo $(ARGS)

test: $(DEV) ## every test (ARGS="tests/unit" selects some)
	$(BIN)/python -m pytest $(ARGS)

test-lowest: ## the tests with the oldest libraries that pyproject.toml allows
	@$(MAKE) --no-print-directory $(VENV)-lowest/pyvenv.cfg VENV=$(VENV)-lowest
	@$(VENV)-lowest/bin/python .ci/requirements.py --lowest >$(VENV)-lowest/constraints.txt
	@$(MAKE) --no-print-directory test VENV=$(VENV)-lowest CONSTRAINTS=$(VENV)-lowest/constraints.txt

test-newest: ## the tests on the newest Python on this computer
	@bash .ci/test-newest $(ARGS)

lint: $(DEV) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy

words: $(DEV) ## brings the Korean catalogue in step with the sentences in the code, and compiles it
	@$(BIN)/python .ci/words.py

mutate: $(DEV) ## small planted bugs that no test finds (ARGS="log.mark*" for one module; all take hours)
	$(BIN)/python -m mutmut run $(ARGS)
	$(BIN)/python -m mutmut results

bench: $(DEV) ## the published figures, one table each (BWDF=FOLDER for those of real districts)
	@$(INSTALL) --editable '.[bench]'
	@for claim in $(filter-out bench/soak.py bench/soak_center.py bench/writes.py,$(wildcard bench/*.py)); do $(BIN)/python $$claim || exit 1; done

soak: $(DEV) ## the real processes under random kills and faults, every row counted (SECONDS=3600 for an hour)
	@$(BIN)/python bench/soak.py $(SECONDS)

soak-center: $(DEV) ## a center: cluster, readers, servers in front, boxes, under faults (real brokers: KAFKA_NODE=PROGRAM BROKERS=3)
	@$(BIN)/python bench/soak_center.py $(SECONDS) $(BROKERS)

soak-power: $(DEV) ## the power of a whole box is cut at random, every sensor-minute counted (ROUNDS=20, SEED=1)
	@$(BIN)/python tests/power_cuts.py $(ROUNDS)

wheels: $(VENV)/pyvenv.cfg ## all downloads of `make run` and deploy/install.sh, for a computer without internet
	@$(BIN)/python deploy/install_torch.py --small-only wheel --wheel-dir wheels
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes --find-links wheels --dest wheels --requirement deploy/requirements.lock --requirement deploy/reports.lock
	@du -sh wheels

deb: wheels ## dist/hydrolog_VERSION_ARCHITECTURE.deb, for boxes without internet
	@bash deploy/make_deb.sh

sbom: $(DEV) ## dist/hydrolog.cdx.json: every library of an installation, with its licence (CycloneDX)
	@$(INSTALL) 'cyclonedx-bom>=7'
	@$(MAKE) --no-print-directory $(VENV)-box/pyvenv.cfg VENV=$(VENV)-box
	@$(VENV)-box/bin/python deploy/install_torch.py --small-only install
	@$(VENV)-box/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes --requirement deploy/requirements.lock
	@$(VENV)-box/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation .
	@mkdir -p dist
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file dist/hydrolog.cdx.json $(VENV)-box
	@echo dist/hydrolog.cdx.json

lock: $(DEV) ## update deploy/constraints.txt and the lists with hashes (PYTHONS="python3.11 python3.12 python3.13")
	$(BIN)/python .ci/lock.py $(or $(PYTHONS),python3.11 python3.12 python3.13)

clean: ## remove caches and the demo's data; the environments stay
	rm -rf var .pytest_cache .mypy_cache .ruff_cache .hypothesis mutants build dist
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@command -v "$(PYTHON)" >/dev/null || { echo "$(or $(PYTHON),python3) is not installed (Debian, Ubuntu: apt install python3 python3-venv)" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is too old: 3.11 or later is needed" >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear $(VENV)

# They are created again only if pyproject.toml changes.
$(RUN): pyproject.toml deploy/constraints.txt | $(VENV)/pyvenv.cfg
	@echo "installing into $(VENV): some minutes the first time"
	@$(BIN)/python deploy/install_torch.py install
	@$(INSTALL) --editable .
	@touch $@

$(DEV): $(RUN)
	@$(INSTALL) --editable '.[dev]'
	@touch $@
