.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
export PORT ?= 8000

.PHONY: help setup run worker demo test lint format types imports templates migrations conformance docs requirements screens lock real-apps bench faults image check

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

.venv/.installed: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@if command -v uv >/dev/null && uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt; then :; \
	else $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt; fi
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	@if command -v uv >/dev/null && uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt; then :; \
	else $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt; fi
	@touch $@

.venv/bin/keyway: | .venv/.installed
	@printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s/$(BIN)/python" -m config.cli "$$@"\n' "$(CURDIR)" "$(CURDIR)" > $@
	@chmod +x $@

.env: | .venv/.installed
	@$(BIN)/python -m config.dotenv

setup: .venv/.installed .venv/bin/keyway .env ## Make .venv from the hashed lock, and a .env with secrets of its own

run: setup ## Start the portal, the worker and the demo app; PORT=9000 make run for another port
	@exec $(MANAGE) run_local

worker: setup ## Start a worker alone
	@exec $(MANAGE) worker

demo: setup ## Make the demo workspaces without starting anything
	$(MANAGE) migrate -v0 && $(MANAGE) load_catalog && $(MANAGE) seed_demo

test: .venv/.installed-dev .env ## Run the tests; make test t=tests/scim for some of them
	$(BIN)/pytest $(or $(t),-n auto --dist worksteal)

lint: .venv/.installed-dev ## Check style and spelling
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/codespell

format: .venv/.installed-dev ## Bring the code into its format
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

types: .venv/.installed-dev .env ## Check types
	$(BIN)/mypy .

imports: .venv/.installed-dev ## Prove the import direction
	$(BIN)/lint-imports

templates: .venv/.installed-dev ## Check the templates
	$(BIN)/djlint --profile django --lint templates

migrations: .venv/.installed-dev .env ## Check that the migrations match the models
	$(MANAGE) makemigrations --check --dry-run

conformance: .venv/.installed-dev .env ## Run the published SCIM test suite against the gateway
	$(BIN)/pytest tests/scim/conformance

docs: .venv/.installed-dev .env ## Run the examples of the documentation
	$(BIN)/pytest tests/test_docs.py tests/documentation tests/api/test_curl_examples.py tests/integrations/test_webhooks.py::test_example_of_the_documentation_verifies

requirements: .venv/.installed-dev ## Write which test proves which requirement
	$(BIN)/python -m tests.requirements

screens: .venv/.installed-dev .env ## Take a picture of every page, in docs/screens
	mkdir -p docs/screens && KEYWAY_SCREENS=docs/screens $(BIN)/pytest tests/screens

lock: .venv/.installed-dev ## Renew the lock files after a change of pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --no-header --no-annotate --no-emit-index-url --generate-hashes --python-version 3.11 -q -o requirements.txt
	uv pip compile pyproject.toml --group dev --universal --no-header --no-annotate --no-emit-index-url --generate-hashes --python-version 3.11 -q -c requirements.txt -o requirements-dev.txt
	uv pip compile pyproject.toml --extra ldap --extra postgres --extra push --extra redis --universal --no-header --no-annotate --no-emit-index-url --generate-hashes --python-version 3.11 -q -c requirements-dev.txt -o requirements-server.txt

real-apps: ## Install the real outside apps that some tests provision into
	tests/real_apps/install.sh canaille flask_appbuilder roundup jupyterhub redmine scim2_server wagtail

bench: .venv/.installed-dev ## Measure Keyway beside its peers; make bench b=--quick to see that it works
	$(BIN)/python -m tests.bench.run $(b)

faults: .venv/.installed-dev ## Kill Keyway while it works and count what is lost; make faults f=--quick for a minute of it
	$(BIN)/python -m tests.faults.run $(f)

image: .venv/.installed-dev ## Build the image and use all of compose.yaml under load (needs Docker); make image i='--before REF'
	$(BIN)/python -m tests.image.run $(i)

check: lint types imports templates migrations ## What CI runs before the tests
