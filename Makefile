# The same few verbs by hand and in CI. Everything runs from .venv; `make lab` and `make test` need nothing before them.
PYTHON ?= $(shell command -v python3.13 || echo python3)
BIN := .venv/bin

.PHONY: help lab test soak venv serve check fix schema bench clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

lab: venv ## Load-test the default experiments on the local host, print the verdict and write the report
	$(BIN)/functune sweep experiments/threads-blocking-io.toml experiments/processes-cpu.toml experiments/async-blocked-loop.toml

test: venv ## Run the test suite
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

soak: venv ## Run the tests that break workers 20 times in a row, up to the first failure
	@for round in $$(seq 20); do echo "soak round $$round of 20"; \
		$(BIN)/python -m pytest --quiet --exitfirst -m fault || exit 1; done

venv: .venv/installed ## Create .venv and install everything

.venv/installed: pyproject.toml requirements.txt .python-version
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null || { \
		echo "functune needs Python 3.13 (the version its worker runtime starts at): install it from python.org or with 'pyenv install 3.13' or 'uv python install 3.13', then run make again, with PYTHON=/path/to/python3.13 if it is not on the PATH." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' --requirement requirements.txt
	@touch $@

serve: venv ## Run the app on the local host at http://127.0.0.1:7071
	$(BIN)/functune serve

check: venv ## Format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: venv ## Format and apply the safe lint fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: venv ## Write the JSON Schema of report.json
	$(BIN)/python -m functune.report.document > docs/schema/report.schema.json

bench: venv ## Measure the figures the project holds itself to, as ratios
	$(BIN)/python -m bench

clean: ## Remove the environment, caches and run folders
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis runs artifacts
