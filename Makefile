# run · test · check · bench. For an environment of your own: pip install -c constraints.txt .

PYTHON ?= python3
VENV ?= .venv
# Any build of it will do. The tests need no graphics card, so a CPU build saves gigabytes.
TORCH ?= torch==2.13.0
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# The build tool is installed at its pinned version, so it need not be fetched again to build.
INSTALL := $(PIP) --no-build-isolation --editable

.PHONY: run test check bench
.DEFAULT_GOAL := run

run: $(VENV)/.installed-run
	@$(BIN)/forum setup
	@$(BIN)/forum serve

test: $(VENV)/.installed-dev
	@$(call need,chromium)
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/.installed-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	@$(call need,wrk)
	@$(BIN)/python -m bench $(ARGS)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "forum needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is not one of them." \
	    "Name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python could not make a virtual environment. On Debian: apt-get install python3-venv" \
	    >&2; exit 1; }

$(VENV)/.installed-run: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing forum into $(VENV) ..."
	@$(PIP) hatchling
	@$(INSTALL) '.[postgres]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing forum and what its tests need into $(VENV); the first time takes minutes ..."
	@$(PIP) hatchling
	@$(PIP) $(TORCH)
	@$(INSTALL) '.[dev]'
	@touch $@ $(VENV)/.installed-run

# Installs a program from Debian's packages when it is missing and that is allowed.
need = command -v $(1) >/dev/null || { \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
    echo "Installing $(1) ..."; export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $(1) >/dev/null; \
  else \
    echo "This needs the program '$(1)'. On Debian: sudo apt-get install $(1)" >&2; exit 1; \
  fi; }
