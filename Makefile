# Targets for people and for CI. Everything is installed from the hash-locked requirements.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test evidence lint format pages lock clean help

help:  ## Say what each target does.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/.runtime  ## Set up and run the whole path on a simulated ledger.
	$(BIN)/rollrisk demo

test: $(VENV)/.dev lint  ## Set up, check the style and types, and run all tests.
	@command -v chromium || command -v chromium-browser || command -v google-chrome \
	  || echo "No Chromium on the path: browser tests are skipped (apt-get install chromium)."
	$(BIN)/python -m pytest -n 2

evidence: $(VENV)/.dev  ## Slow evidence: distance to the truth, rivals, soak.
	$(BIN)/python -m pytest -m evidence -rA

lint: $(VENV)/.dev  ## Style, types, import contracts, spelling.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

format: $(VENV)/.dev  ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

pages: $(VENV)/.dev  ## Renew the pages that are made from the code.
	$(BIN)/python -m docs.generate

lock: $(VENV)/.dev  ## Solve the dependencies anew; the lock files carry hashes, no addresses.
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --extra build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --extra build --extra dev \
	  -c requirements.lock pyproject.toml -o requirements-dev.lock

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -c "import sys; assert sys.version_info >= (3, 11), 'Python 3.11 or newer is needed'"
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -c "import sys; assert sys.version_info >= (3, 11), 'Python 3.11 or newer is needed'"
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.runtime

clean:  ## Remove what the targets made.
	rm -rf $(VENV) .rollrisk build *.egg-info
