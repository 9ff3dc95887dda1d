# Everything runs in .venv, made from nothing by the first target that needs it.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
# One test process a core, each on one thread; the tests of a file stay together, since they share what they train.
WORKERS ?= -n logical --maxprocesses 4 --dist loadfile

.PHONY: install demo test test-all lint format bench bench-rendering bench-training bench-exons clean help

help:
	@echo "make install   .venv with this package and the tested versions of everything it needs"
	@echo "make demo      train on simulated transcripts, end with a report (about three minutes on two cores)"
	@echo "make test      lint, types and the test suite"
	@echo "make test-all  the same with the slow tests"
	@echo "make bench     make or go on with the runs of reports/, then their pages (needs SPECGEN_DATA; hours)"
	@echo "make bench-rendering   regenerate benchmarks/{rendering,scaling}.md (needs SPECGEN_DATA, 17 GB of disk, 20 quiet minutes)"
	@echo "make bench-training    regenerate benchmarks/{training,parity,prediction}.md (needs SPECGEN_DATA; one hour)"
	@echo "make bench-exons       regenerate benchmarks/exon_*.md (needs SPECGEN_DATA, 2 GB of disk, some minutes)"

install: $(VENV)/.installed

$(VENV)/.installed: setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet uv
	$(VENV)/bin/uv pip install --quiet --python $(VENV) --constraint constraints.txt --editable '.[dev,ray]'
	touch $@

demo: install
	$(PY) -m classify train --config configs/coding/demo.yaml --overwrite

lint: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: install
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

test: lint
	OMP_NUM_THREADS=1 $(PY) -m pytest $(WORKERS) -m "not slow" --durations=5 -q

test-all: lint
	OMP_NUM_THREADS=1 $(PY) -m pytest $(WORKERS) --durations=10 -q

bench: install
	$(PY) reports/coding/make.py
	$(PY) reports/coding/page.py
	$(PY) reports/exon_start/make.py
	$(PY) reports/exon_start/page.py
	$(PY) reports/motifs/make.py
	$(PY) reports/motifs/page.py
	$(PY) reports/tfbs/make.py
	$(PY) reports/tfbs/page.py
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
