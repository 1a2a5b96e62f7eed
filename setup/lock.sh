#!/usr/bin/env bash
# Renew containers/requirements/*.lock from the *.in files beside them: versions and hashes, no addresses.
# Arguments go to uv (--upgrade, --upgrade-package NAME). An image has the versions of the local environment,
# but for cellpose4, which shares no environment with anything.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../containers/requirements"

compile() {
    local lock=$1; shift
    echo "$lock" >&2
    uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
        --no-emit-index-url --no-emit-find-links --output-file "$lock" "$@"
}

compile local.lock "$@" base.in readers.in report.in profiles.in cellpose3.in resnet.in dev.in
compile base.lock -c local.lock base.in readers.in report.in profiles.in
compile cellpose3.lock -c local.lock base.in cellpose3.in
compile resnet.lock -c local.lock base.in resnet.in
compile cellpose4.lock "$@" cellpose4.in
compile installer.lock "$@" installer.in
