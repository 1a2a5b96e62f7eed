# make demo: set up, simulate a small plate, run the pipeline on it, show what was found beside what was put in.
# make test-plates: the demo plate with networks and of another seed, and the whole real plate, of which make test has a
# part.
# make test-kills: SIGKILL of each step's task at 20 random moments, where make test has one, and of a run at every
# step, where make test has three.
# make test-hpc: a real SLURM and a real Apptainer on this machine (root, Debian 12), all images, and the pipeline
# with them.
# make test: set up, then linters, unit tests, pipeline tests, two images where Apptainer can be had, and nf-test
# where it is installed (the last line says so where it is not).
# make check: the linters, the unit tests that are quick, and a run of all steps with their stubs, in a few minutes.
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH):$(CURDIR)/setup

# a start of Nextflow takes 6.9 CPU s with the collector of garbage that has no threads of its own, 8.2 without
export NXF_JVM_ARGS ?= -XX:+UseSerialGC

# a free worker takes the next file, whose tests share what they make; those with slow tests come first
SHARED_OUT := --dist loadfile --no-loadscope-reorder

.PHONY: setup browser generate demo check test test-plates test-hpc test-kills lint quick stub unit pipeline containers nf-test clean

setup:
	@setup/python.sh
	@setup/check_nextflow.sh

browser:
	@setup/browser.sh

demo: setup
	@setup/demo.sh

# what follows from the declarations of parameters and steps: schema, defaults, tables of the guide
generate:
	.venv/bin/python setup/generate.py

check: lint quick stub

test: lint unit pipeline containers nf-test

lint: setup
	ruff check .
	ruff format --check .
	mypy bin/morphodose
	nextflow lint main.nf workflows lib modules nextflow.config conf

quick: setup
	OMP_NUM_THREADS=1 pytest -q --durations 10 -n 2 $(SHARED_OUT) -m 'not slow'

# every process of the workflow, with its stub in the place of the work
stub: setup
	@setup/stub.sh

unit: setup browser
	OMP_NUM_THREADS=1 pytest -q --durations 20 -n 2 $(SHARED_OUT) -m 'not pipeline and not container and not hpc'

# two runs of the pipeline at a time; only the folders that have such tests are read
pipeline: setup
	pytest -q --durations 20 -n 2 $(SHARED_OUT) -m 'pipeline and not plates' tests/pipeline tests/faults

nf-test: setup
	@setup/nf-test.sh

containers: setup
	@setup/containers.sh

test-plates: setup
	pytest -q -s --durations 0 -m plates tests/pipeline

test-hpc: setup
	tests/hpc/slurm.sh install
	tests/hpc/apptainer.sh install
	pytest -q -m 'hpc or container' tests/hpc

test-kills: setup
	MORPHODOSE_KILLS=20 OMP_NUM_THREADS=1 pytest -q -n 2 tests/faults/test_killed_tasks.py
	MORPHODOSE_KILLED_STEPS=all pytest -q tests/pipeline/test_every_step.py

clean:
	rm -rf .venv .venv.part .venv.old .tools demo work .nextflow* .nf-test*
