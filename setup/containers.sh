#!/usr/bin/env bash
# Build the images base and cellpose3 and run a plate of two fields inside them, where this machine can have Apptainer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
not_run() { echo "$1: no image was built or tested (make test-hpc does)."; exit 0; }

if ! command -v apptainer >/dev/null; then
    if [ "$(id -u)" != 0 ] || ! grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then
        not_run "Apptainer is not installed, and is installed here only as root on Debian 12"
    fi
    echo "Installing Apptainer ..." >&2
    tests/hpc/apptainer.sh install >&2 || not_run "Apptainer could not be installed from Debian's packages"
fi
# 4 GB that a second run finds again
export MORPHODOSE_IMAGES=${MORPHODOSE_IMAGES:-$PWD/.tools/images}
if [ -z "${MORPHODOSE_IMAGE_FROM+given}" ] && [ ! -d "$MORPHODOSE_IMAGES/debian" ]; then
    mkdir -p "$MORPHODOSE_IMAGES"
    tests/hpc/apptainer.sh base "$MORPHODOSE_IMAGES/debian" || not_run "No root to build images from could be made from Debian's packages"
fi
pytest -q -m container tests/hpc
