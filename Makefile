# Every command of the workshop. `make` alone lists them; each sets up what it needs, and does nothing twice.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?=
export PYTHON

BIN := .venv/bin
# Kinds of tests that never start Spark, in the order they run in. Random ones against the oracle have a target of their own.
FAST := tests/unit tests/spec tests/contract tests/docs

.PHONY: help
help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf 'make %-10s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: ## prepare this checkout: environment from the lock, jars by checksum; outside this folder only uv's cache
	@python=$$(sh scripts/find_python.sh) && "$$python" scripts/prepare.py

.PHONY: demo
demo: setup ## run the whole pipeline on a small simulated bank (minutes)
	@$(BIN)/tally demo

.PHONY: test
test: setup ## run every test that CI runs, in two processes
	@$(BIN)/pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder

.PHONY: unit
unit: setup ## run the fast tests, none of which needs Spark
	@$(BIN)/pytest --numprocesses auto --dist loadfile $(wildcard $(FAST))

.PHONY: generative
generative: setup ## run the random tests against the oracle (half a minute)
	@$(BIN)/pytest --numprocesses auto --dist loadfile tests/generative

.PHONY: soak
soak: setup ## run the long kill, concurrency and random tests (hours on a small machine)
	@$(BIN)/pytest -m soak --timeout 7200

.PHONY: stack-test
stack-test: setup ## bring the whole stack up without containers, operate it for four business dates, take it down (needs PostgreSQL)
	@$(BIN)/pytest -s -m soak --timeout 5400 tests/acceptance/test_stack.py

.PHONY: check
check: setup ## formatting, lint, types, import contracts
	@$(BIN)/ruff format --check --quiet --diff .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

.PHONY: format
format: setup ## format the code and mend what lint can mend by itself
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

.PHONY: clean
clean: ## remove caches and the demo's output; keeps the environment and the jars
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis demo spark-warehouse metastore_db derby.log
