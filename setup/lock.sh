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

# for GPUs that the PyTorch of the others has no code for (P100): all but PyTorch and its CUDA as above
p100=$(mktemp)
others=$(mktemp)
trap 'rm -f "$p100" "$others"' EXIT
grep -E '^[a-z0-9.-]+==' local.lock | sed 's/ \\$//' | grep -vE '^(torch|torchvision|triton|nvidia-|cuda-)' > "$others"
for image in cellpose3 resnet cellpose4; do
    sed -E 's/^torch(vision)?==.*/torch\1/' "$image.in" > "$p100"
    case $image in
        cellpose4) compile "$image-p100.lock" -c p100.in "$p100" ;;
        *) compile "$image-p100.lock" -c p100.in -c "$others" base.in "$p100" ;;
    esac
done
