#!/usr/bin/env bash
# Simulate a small plate, run the pipeline on it, and show what was found beside what was put in.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
plate=demo/plate

seed=${SEED:-1}
if [ ! -f "$plate/truth/truth.json" ] || ! grep -q "\"seed\": $seed,\?\$" "$plate/truth/truth.json"; then
    echo "Simulating a small plate in $plate, seed $seed ..."
    rm -rf "$plate"
    bin/simulate_plate.py --preset demo --seed "$seed" --workers "$(nproc)" --force --out "$plate"
fi
nextflow run main.nf -profile demo -work-dir demo/work -resume "$@"
bin/compare_with_truth.py --results demo/results --truth "$plate/truth"
echo
echo "The report: $root/demo/results/report/report.html"
