# `make run` and `make test` are all a newcomer needs: Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run replicas test faults check format openapi clean

run: .venv/server.made  ## build the sample, serve it, score one group, keep serving
	$(BIN)/reward-service demo --index .data/sample-index

replicas: .venv/server.made  ## a redis-server and two services that share it, on loopback; Ctrl-C stops all
	$(BIN)/python scripts/replicas.py

test: .venv/dev.made  ## every test; installs redis-server where it may
	@scripts/install-redis
	$(BIN)/python -m pytest --cov --cov-report=term

faults: .venv/dev.made  ## the long part of tests/faults: 300 groups under kills, stalls, resets and lost replies
	@scripts/install-redis
	FAULT_GROUPS=300 $(BIN)/python -m pytest tests/faults -s

check: .venv/dev.made  ## format, lint, types, import contracts, openapi.yaml
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/reward-service openapi | diff -u openapi.yaml -

format: .venv/dev.made
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: .venv/dev.made  ## write openapi.yaml from the code
	$(BIN)/reward-service openapi > openapi.yaml

clean:
	rm -rf .venv .data .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/server.made: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[server]'
	@touch $@

.venv/dev.made: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[server,dev]'
	@touch $@ .venv/server.made
