# `make demo` and `make test` do all their own set-up on a fresh machine with Python 3.11 or newer.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
# Where pip takes torch from: leave empty for the default, or pass the CPU-only address from pytorch.org.
TORCH_INDEX ?=
# More for pytest, as in `make test PYTEST="-k graph"`, and how many of it run side by side (0: one, in this process).
PYTEST ?=
JOBS ?= auto
export OMP_NUM_THREADS ?= 1

# The benchmarks to run, all unless named: make bench BENCH="evolve.speed runner.overhead".
BENCH ?=

# Peers of the benchmarks with an environment of their own, all of benchmarks/peers unless named: make peers PEERS="aeon".
PEERS ?= $(basename $(notdir $(wildcard benchmarks/peers/*.txt)))

.PHONY: help demo test lint check bench peers docs release-check clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    set up, run the built-in bench, say where the report is"
	@echo "make test    set up, run all tests"
	@echo "make lint    set up, check format, lint and types"
	@echo "make check   make lint, then the fast tests"
	@echo "make bench   set up, run the benchmarks against peers (long), a page for each room into build/benchmarks"
	@echo "make peers   build the environments of peers that cannot share ours, under .peers"
	@echo "make docs    set up, build the site of docs/ into build/site, its lists and pictures made anew"
	@echo "make release-check  build wheel and sdist into dist, check them and their description"
	@echo "make clean   remove the virtual environment and what tools left behind"

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "neuroloom needs Python 3.11 or newer; pass one as: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --quiet -c constraints.txt torch $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	$(PY) -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(VENV)/.ready
	$(VENV)/bin/neuroloom demo

test: $(VENV)/.ready
	$(PY) -m pytest -n $(JOBS) --maxprocesses 4 --dist worksteal $(PYTEST)

lint: $(VENV)/.ready
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

check: lint
	$(PY) -m pytest -n $(JOBS) --maxprocesses 4 --dist worksteal -q -m "not slow and not browser" $(PYTEST)

bench: $(VENV)/.ready
	$(PY) -m pip install --quiet -c constraints.txt -e '.[peers]'
	$(PY) -m benchmarks --out build/benchmarks $(BENCH)

peers: $(PEERS:%=.peers/%/.ready)

.peers/%/.ready: benchmarks/peers/%.txt
	$(PYTHON) -m venv --clear .peers/$*
	.peers/$*/bin/python -m pip install --quiet -r $< $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
	@touch $@

docs: $(VENV)/.ready
	$(PY) docs/make_lists.py
	$(PY) docs/pages.py
	$(VENV)/bin/mkdocs build --strict

release-check: $(VENV)/.ready
	rm -rf dist
	$(PY) -m build --outdir dist
	$(PY) -m venv --clear .peers/twine
	.peers/twine/bin/python -m pip install --quiet -c constraints.txt twine
	.peers/twine/bin/python -m twine check --strict dist/*
	$(PY) -m pytest -q tests/test_release.py

clean:
	rm -rf $(VENV) .peers build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
