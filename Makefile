# Every target that needs .venv makes it first, and does nothing about it where it is up to date.
# PYTHON=/path/to/python chooses the interpreter, and with it the generation of TFX; without it uv looks
# for one, or fetches it.

SHELL := /bin/sh
.DEFAULT_GOAL := help

SETUP := tools/setup_env.sh
PY := .venv/bin/python

DEMO_DATA := data/demo
DEMO_OUTPUT := output/demo
# Another seed draws other clips.
DEMO_SEED := 1
# The article's six and those on musicnn; the other networks take longer than a demo should.
DEMO_MODELS := logistic_regression,knn,gaussian_nb,svm,musicnn,musicnn_statistics,cnn1d,mobilenet_v2
# Further flags of local_runner.py, e.g. DEMO_FLAGS='--epochs 3' or '--mobilenet-weights imagenet'.
DEMO_FLAGS ?=
# Folder of the run whose report is opened.
OUTPUT ?= $(DEMO_OUTPUT)
# Further flags of pytest, e.g. TEST_FLAGS='-k corpus', or '-n 0' for no further processes.
TEST_FLAGS ?=
# Further flags of uv pip compile, e.g. LOCK_FLAGS='--upgrade-package rich' or LOCK_FLAGS=--upgrade.
LOCK_FLAGS ?=

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: ## make .venv with the pinned packages
	@$(SETUP) install

.PHONY: weights
weights: install ## get the weights of musicnn again, where that failed
	@$(SETUP) weights

# The clips are synthetic, so that no accuracy is suspicious: --max-credible-accuracy 1.
.PHONY: demo
demo: install ## make a small corpus and run the whole pipeline on it
	$(PY) -m corpus --output-dir $(DEMO_DATA) --seed $(DEMO_SEED)
	$(PY) local_runner.py --audio-dir $(DEMO_DATA)/fma_small --metadata-dir $(DEMO_DATA)/fma_metadata \
	    --output-dir $(DEMO_OUTPUT) --models $(DEMO_MODELS) --epochs 20 --mobilenet-weights none \
	    --max-credible-accuracy 1 $(DEMO_FLAGS)

# A process per core, but no more than memory is likely to hold; see tests/conftest.py. One that crashes
# ends the run: xdist starts another, but may then wait for ever.
PYTEST = $(PY) -m pytest tests -n logical --maxprocesses 4 --max-worker-restart 0 --no-loadscope-reorder

.PHONY: test
test: install ## run every test, end-to-end included
	$(PYTEST) $(TEST_FLAGS)

.PHONY: unit
unit: install ## run the tests without the end-to-end ones
	$(PYTEST) -m 'not e2e' $(TEST_FLAGS)

.PHONY: lint
lint: install ## check style, format, types and the direction of imports
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	PYTHONPATH=. .venv/bin/lint-imports

.PHONY: format
format: install ## put the format right, and what ruff can fix by itself
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

.PHONY: bench
bench: install ## measure speed and memory
	$(PY) -m benchmarks

# Pins that are there stay; a changed setup.py moves only what it has to.
LOCK = $(SETUP) uv pip compile --generate-hashes --custom-compile-command 'make lock' --quiet $(LOCK_FLAGS)
LOCK_PROJECT = $(LOCK) setup.py --extra dev
LOCK_OLD = --python-version 3.10 --python-platform x86_64-manylinux_2_28
.PHONY: lock
lock: ## compile requirements/tfx-*.txt from setup.py, and cuda.txt from cuda.in
	@$(LOCK_PROJECT) $(LOCK_OLD) -o requirements/tfx-1.16.txt
	@$(LOCK_PROJECT) --python-version 3.11 --universal -o requirements/tfx-1.21.txt
	@$(LOCK) requirements/cuda.in --no-deps --no-annotate $(LOCK_OLD) -o requirements/cuda.txt

.PHONY: report
report: install ## open the newest report of OUTPUT (default: the demo's) in the browser
	.venv/bin/music-genre report $(OUTPUT) --open

.PHONY: versions
versions: ## print what a bug report needs: machine, Python, packages
	@$(SETUP) versions

.PHONY: clean
clean: ## remove the demo's data and output, caches and build products
	rm -rf $(DEMO_DATA) $(DEMO_OUTPUT) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name '.venv*' -prune -o -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## remove .venv too
	rm -rf .venv .venv-tools
