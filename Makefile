# Everything runs in .venv, made from nothing by the first target that needs it.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
# One test process a core, each on one thread; the tests of a file stay together, since they share what they train, and the
# files keep the order of tests/conftest.py.
WORKERS ?= -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Sets of dependencies that `make test-lowest` and `make test-newest` try: the oldest that setup.cfg allows, and the newest there are.
LOWEST_PYTHON ?= 3.10
NEWEST_PYTHON ?= 3.13
# A choice of files that touch most of the libraries.
EDGE_TESTS ?= tests/test_structure.py tests/test_cli.py tests/specgen tests/classify/test_runs.py tests/classify/test_scanning.py \
	tests/classify/test_export.py tests/classify/test_estimator.py tests/classify/test_pretrained.py tests/classify/test_motifs.py

.PHONY: install dist demo test test-all test-lowest test-newest lint style format docs fuzz bench bench-rendering bench-training bench-exons clean help

help:
	@echo "make install   .venv with this package and the tested versions of everything it needs"
	@echo "make demo      train on simulated transcripts, end with a report (about three minutes on two cores)"
	@echo "make test      lint, types and the test suite"
	@echo "make test-all  the same with the slow tests"
	@echo "make test-lowest   tests with the oldest Python and dependencies that setup.cfg allows (some GB are downloaded)"
	@echo "make test-newest   the same with the newest"
	@echo "make fuzz      readers of files under a coverage-guided fuzzer, for MINUTES (30); Linux, Python 3.11 to 3.13"
	@echo "make dist      sdist and wheel in dist/"
	@echo "make docs      the documentation site in docs/_build/html (some minutes)"
	@echo "make bench     make or go on with the runs of reports/, then their pages (needs SPECGEN_DATA; hours)"
	@echo "make bench-rendering   regenerate benchmarks/{rendering,scaling}.md (needs SPECGEN_DATA, 17 GB of disk, 20 quiet minutes)"
	@echo "make bench-training    regenerate benchmarks/{training,parity,prediction}.md (needs SPECGEN_DATA; one hour)"
	@echo "make bench-exons       regenerate benchmarks/exon_*.md (needs SPECGEN_DATA, 2 GB of disk, some minutes)"

install: $(VENV)/.installed

$(VENV)/.installed: setup.cfg setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet uv
	$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(VENV) --constraint constraints.txt --editable '.[dev,ray]'
	touch $@

demo: install
	$(PY) -m classify train --config configs/coding/demo.yaml --overwrite

lint: style
	$(VENV)/bin/mypy

style: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

format: install
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# Types are checked beside the tests: mypy is one process, and alone it would leave the other cores idle for a minute.
beside_types = $(VENV)/bin/mypy & types=$$!; $(1); tests=$$?; wait $$types && exit $$tests

test: style
	$(call beside_types,OMP_NUM_THREADS=1 $(PY) -m pytest $(WORKERS) -m "not slow" --durations=5 -q)

test-all: style
	$(call beside_types,OMP_NUM_THREADS=1 $(PY) -m pytest $(WORKERS) --durations=10 -q)

test-lowest: install
	$(VENV)/bin/uv venv --quiet --allow-existing --python $(LOWEST_PYTHON) .venv-lowest
	$(VENV)/bin/uv pip install --quiet --python .venv-lowest --resolution lowest-direct --editable '.[dev]'
	OMP_NUM_THREADS=1 .venv-lowest/bin/python -m pytest $(WORKERS) -m "not slow" -q $(EDGE_TESTS)

test-newest: install
	$(VENV)/bin/uv venv --quiet --allow-existing --python $(NEWEST_PYTHON) .venv-newest
	$(VENV)/bin/uv pip install --quiet --python .venv-newest --upgrade --editable '.[dev]'
	OMP_NUM_THREADS=1 .venv-newest/bin/python -m pytest $(WORKERS) -m "not slow" -q $(EDGE_TESTS)

# Atheris instruments what it imports, and has an environment of its own.
MINUTES ?= 30
fuzz: install
	$(VENV)/bin/uv venv --quiet --allow-existing --python $(PY) .venv-fuzz
	$(VENV)/bin/uv pip install --quiet --python .venv-fuzz --constraint constraints.txt --editable '.[dev]' 'atheris>=3.0'
	OMP_NUM_THREADS=1 .venv-fuzz/bin/python tests/fuzz/coverage_guided.py --minutes $(MINUTES)

dist: install
	$(VENV)/bin/uv build --out-dir dist

# Warnings are errors. The gallery is drawn by the commands that the tutorials show, of letters that are the same everywhere.
docs: install
	rm -rf docs/_build/sim docs/gallery
	$(PY) -m specgen simulate transcripts --out docs/_build/sim --records.n 1 --records.min_length 1500
	$(PY) -m specgen show docs/_build/sim/coding.fa --all --out docs/gallery
	$(PY) -m sphinx --fail-on-warning --keep-going --quiet --conf-dir docs . docs/_build/html

bench: install
	$(PY) reports/coding/make.py
	$(PY) reports/coding/page.py
	$(PY) reports/exon_start/make.py
	$(PY) reports/exon_start/page.py
	$(PY) reports/motifs/make.py
	$(PY) reports/motifs/page.py
	$(PY) reports/tfbs/make.py
	$(PY) reports/tfbs/page.py
	$(PY) reports/chromatin/make.py
	$(PY) reports/chromatin/page.py
	$(PY) reports/language/make.py
	$(PY) reports/language/page.py
	$(PY) reports/summary.py

bench-rendering: install
	$(PY) -m benchmarks.rendering --out benchmarks/rendering.md
	$(PY) -m benchmarks.scaling --out benchmarks/scaling.md

bench-training: install
	$(PY) -m benchmarks.training --out benchmarks/training.md
	$(PY) -m benchmarks.parity --out benchmarks/parity.md
	$(PY) -m benchmarks.prediction --out benchmarks/prediction.md

bench-exons: install
	$(PY) -m benchmarks.exon_preparation --out benchmarks/exon_preparation.md
	$(PY) -m benchmarks.exon_loader --out benchmarks/exon_loader.md

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
