# Everything a newcomer needs: `make run` to see it work, `make test` to check a change.
# Needs python3 (3.11 or newer) with pip, and make. Nothing is installed outside $(VENV).

VENV ?= .venv
PYTHON ?= python3
WORKERS ?= 2

# Without its bytecode kept, Python compiles a few hundred modules at every start of every server a test kills.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
UV := $(VENV)/.uv/bin/uv
CODE := src tests tools benchmarks

# The development environment contains everything the server needs: where it exists, `make run` uses it as it is.
DEV := $(VENV)/.installed-dev
RUN := $(if $(wildcard $(DEV)),$(DEV),$(VENV)/.installed-run)

.DEFAULT_GOAL := help
.PHONY: help setup run test bench lint fmt browser screenshots migration requirements clean

help: ## Say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(DEV) ## Install everything into $(VENV); the second time it does nothing

run: $(RUN) ## Start a server on 127.0.0.1:8700 and watch the demo act on it
	$(BIN)/interlock demo --serve

test: lint browser ## Check the code, then run the whole suite
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

browser: ## See that a chromium for the browser tests is there; install it where that is allowed
	@.ci/browser

bench: $(DEV) ## Measure the server against its stated ceilings
	$(BIN)/python -m benchmarks

screenshots: $(DEV) browser ## Photograph the dashboard's main pages, with demo data, into docs/screenshots
	$(BIN)/python -m tools.screenshots

lint: $(DEV) ## Check form, types, import contracts and house rules
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --quiet --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tools.lint

fmt: $(DEV) ## Put the code into the house form
	$(BIN)/ruff check --quiet --fix-only
	$(BIN)/ruff format --quiet

migration: $(DEV) ## Write the next migration: make migration m="what changed"
	$(BIN)/python -m tools.migration "$(m)"

requirements: $(DEV) ## Resolve the dependencies of pyproject.toml anew
	$(UV) pip compile $(COMPILE) pyproject.toml -o requirements/run.txt
	$(UV) pip compile $(COMPILE) pyproject.toml --group dev --extra telemetry -o requirements/dev.txt

clean: ## Remove the environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .schemathesis

COMPILE := --quiet --universal --generate-hashes --no-header --no-emit-index-url

# A bare interpreter is enough: the environment is made without pip, and the installer goes into a folder of its own,
# where synchronising the environment does not remove it.
$(UV): requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Interlock needs Python 3.11 or newer; try make PYTHON=python3.12")'
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
		--upgrade --target $(VENV)/.uv --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.installed-%: requirements/%.txt pyproject.toml $(UV)
	$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes $<
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@
