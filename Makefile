# make demo: set up, simulate a small plate, run the pipeline on it, show what was found beside what was put in.
# make test: set up, then linters, unit tests, pipeline tests, and nf-test where it is installed.
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH):$(CURDIR)/setup

.PHONY: setup browser demo test lint unit pipeline nf-test clean

setup:
	@setup/python.sh
	@nextflow -version > /dev/null

browser:
	@setup/browser.sh

demo: setup
	@setup/demo.sh

test: lint unit pipeline nf-test

lint: setup
	ruff check .
	ruff format --check .
	mypy bin/morphodose
	nextflow lint main.nf workflows modules nextflow.config conf

unit: setup browser
	OMP_NUM_THREADS=1 pytest -q -n 2 --dist loadfile -m 'not pipeline'

pipeline: setup
	pytest -q -m pipeline

nf-test: setup
	@setup/nf-test.sh

clean:
	rm -rf .venv .tools demo work .nextflow* .nf-test*
