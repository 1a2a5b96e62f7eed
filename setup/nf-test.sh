#!/usr/bin/env bash
# The nf-test suite, where nf-test is installed; arguments are passed on (a module's folder, --tag pipeline, …).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v nf-test >/dev/null; then
    echo "nf-test is not on PATH: its suite was not run (the pipeline tests of pytest were)."
    exit 0
fi
tests/helpers/make_nf_test_data.py
nf-test test "$@"
