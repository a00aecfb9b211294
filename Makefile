# The same few verbs by hand and in CI. Everything runs from .venv; `make lab` and `make test` need no other target first.
PYTHON ?= $(shell command -v python3.13 || echo python3)
BIN := .venv/bin

.PHONY: help lab lessons test pages soak venv serve check fix schema docs lock bench package equipment clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

lab: venv ## Load-test the default experiments on the local host, print the verdict and write the report
	$(BIN)/functune demo --dir . --python $(BIN)/python

lessons: venv ## Run every experiment and write docs/lessons.md from the results
	@run=runs/lessons-$$(date -u +%Y-%m-%d-%H%M%S); $(BIN)/functune sweep --out $$run; code=$$?; \
		if [ $$code -le 1 ]; then $(BIN)/functune lessons $$run || exit; fi; exit $$code

test: venv equipment ## Run the test suite, three processes a core, most of which wait; PYTEST_FLAGS adds options of pytest
	$(BIN)/python -m pytest --numprocesses $$(( 3 * $$(getconf _NPROCESSORS_ONLN) )) --dist loadfile --no-loadscope-reorder -rs -m "not pages" $(PYTEST_FLAGS)

pages: venv ## Type the commands of the tutorial, of troubleshooting and of the questions, as a reader does
	$(BIN)/python -m pytest -m pages --durations 5

soak: venv ## Run the tests that break workers 20 times in a row; stop at the first failure
	@for round in $$(seq 20); do echo "soak round $$round of 20"; \
		$(BIN)/python -m pytest --quiet --exitfirst -m fault || exit 1; done

venv: .venv/installed ## Create .venv and install everything

.venv/installed: pyproject.toml requirements.in .python-version
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null || { \
		echo "functune needs Python 3.13 (the version its worker runtime starts at): install it from python.org or with 'pyenv install 3.13' or 'uv python install 3.13', then run make again, with PYTHON=/path/to/python3.13 if it is not on the PATH." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' --requirement requirements.in
	@touch $@

serve: venv ## Run the app on the local host at http://127.0.0.1:7071
	$(BIN)/functune serve

check: venv ## Check format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: venv ## Format and apply the safe lint fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: venv ## Write the JSON Schemas of docs/schema: experiments, report.json, recommendation.json, plan.json
	$(BIN)/python -m tools.schemas

lock: venv ## Write requirements.txt and hosting/requirements.txt from their .in files; LOCK_FLAGS=--upgrade takes new versions
	$(BIN)/python -m tools.lock $(LOCK_FLAGS)

bench: venv ## Measure the project's performance figures and compare each with its bound
	$(BIN)/python -m bench

package: venv ## Build the deployment zip, install it as the remote build does and call every route
	$(BIN)/python -m tools.package dist/app.zip
	$(BIN)/python -m tools.rehearsal dist/app.zip

equipment: venv ## Get what the tests need and pip cannot install: a browser, Azure's types, axe-core, Kusto's language service
	@$(BIN)/python -m tools.equipment

clean: ## Remove the environment, test equipment, caches and run folders
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .azure-types .axe build dist runs

docs: venv ## Write the generated parts of docs/: commands, rooms, rules, costs, assumptions and keys
	$(BIN)/python -m tools.cli_page > docs/cli.md
	$(BIN)/python -m tools.rooms
	$(BIN)/python -m functune.doctor.page
	$(BIN)/python -m functune.capacity.cost_page
	$(BIN)/python -m functune.capacity.assumptions_page
	$(BIN)/python -m tools.key_tables
	$(BIN)/python -m functune.capacity.tier_page
