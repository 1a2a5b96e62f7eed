#!/usr/bin/env bash
# Renew containers/requirements/local.lock from the *.in files beside it: versions and hashes, no addresses.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../containers/requirements"
uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
    --no-emit-index-url --no-emit-find-links --output-file local.lock "$@" \
    base.in report.in profiles.in cellpose3.in resnet.in dev.in
