#!/usr/bin/env bash
# One run of the whole workflow with the stub of each step: minutes of work in seconds, and every channel is used.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
nextflow -q run "$root/main.nf" -profile test -stub-run --illumination estimate --outdir results
echo "Stub run: $(($(wc -l < results/pipeline_info/trace.txt) - 1)) tasks, none failed."
