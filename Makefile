# `make` alone lists what there is. Needs a Python 3.11–3.14, pip, make and git; nothing else.
# Another Python: `make install PYTHON=/path/to/python3.12`.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?=
# Three files at a time on two cores, since many wait; each process has servers of its own, and the long
# files stand first in their order.
SIDE_BY_SIDE := --numprocesses 3 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install demo up test check format chaos chaos-long soak mutants bench lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv from the hashed lock (at once when nothing changed)

$(STAMP): requirements.lock pyproject.toml ops/install
	@PYTHON='$(PYTHON)' sh ops/install $(VENV)
	@touch $@

demo: $(STAMP) ## run one task of each main kind on an embedded stack and print results and costs
	@$(BIN)/orchestrator demo

up: $(STAMP) ## start everything in the foreground; Ctrl-C stops it
	@$(BIN)/orchestrator up

test: $(STAMP) ## all tests, on a real Postgres and a real Valkey
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE)

check: $(STAMP) ## the one door before a commit: format, lint, types, import rules, house law, unit tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m ops.check
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/unit

format: $(STAMP) ## let ruff format the code and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

chaos: $(STAMP) ## kill, wipe and restart everything under load, then count what came out
	@$(BIN)/python -m tests.chaos

chaos-long: $(STAMP) ## every fault there is, family by family, and the peer under the same
	@$(BIN)/python -m tests.chaos.long

soak: $(STAMP) ## all faults mixed for MINUTES=20
	@$(BIN)/python -m tests.chaos.long --soak $(or $(MINUTES),20)

mutants: $(STAMP) ## break the code on purpose: the checker of `make chaos` must notice each time
	@$(BIN)/python -m tests.chaos.mutants

bench: $(STAMP) ## measure submits, polls and tasks a second on this machine
	@$(BIN)/python -m ops.bench

lock: ## resolve the dependencies anew into requirements.lock
	@PYTHON='$(PYTHON)' sh ops/lock

clean: ## remove .venv and caches; data under .data stays
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
