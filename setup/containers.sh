#!/usr/bin/env bash
# Build the images base and cellpose3 and run a plate of two fields inside them, where this machine can have Apptainer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v apptainer >/dev/null; then
    if [ "$(id -u)" != 0 ] || ! grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then
        echo "Apptainer is not installed, and is installed by the tests only as root on Debian 12: no image was built or tested."
        exit 0
    fi
    echo "Installing Apptainer ..." >&2
    tests/hpc/apptainer.sh install >&2
fi
# 4 GB that a second run finds again
export MORPHODOSE_IMAGES=${MORPHODOSE_IMAGES:-$PWD/.tools/images}
pytest -q -m container tests/hpc
