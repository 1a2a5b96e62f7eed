#!/usr/bin/env bash
# Whether the nextflow on PATH runs the pipeline with the Java that it finds: it prints the help of the pipeline. Done
# at once where both are those of the last time.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
said=$(nextflow -version 2>&1) || {
    printf '%s\n' "$said" >&2
    echo "nextflow does not start (see above)." >&2
    exit 1
}
version=$(sed -n 's/.*version \([0-9][0-9.]*\).*/\1/p' <<< "$said" | head -1)
if [ "$(printf '%s\n' 24.10.0 "${version:-0}" | sort -V | head -1)" != 24.10.0 ]; then
    echo "$(command -v nextflow) is Nextflow ${version:-of an unknown version}; 24.10.0 or newer is needed. Renew it" \
        "(nextflow self-update), or take it off PATH: make setup then gets one from Maven Central." >&2
    exit 1
fi
java=${JAVA_CMD:-${JAVA_HOME:+$JAVA_HOME/bin/}java}
java_said=$("$java" -version 2>&1 || true)    # it is a part of the name below; nextflow has started with some Java
stamp=$root/.tools/nextflow-runs-$(printf '%s' "$(command -v nextflow)" "$version" "$java_said" | sha256sum | cut -c1-16)
[ ! -f "$stamp" ] || exit 0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if ! (cd "$folder" && nextflow -q run "$root/main.nf" --help) > "$folder/said" 2>&1; then
    tail -20 "$folder/said" >&2
    echo "Nextflow $version does not run the pipeline (see above), with $(head -1 <<< "$java_said"). Java 17 to 23 runs every" \
        "Nextflow from 24.10 on, Java 24 those from 25.04 on: install one, and name it by JAVA_HOME." >&2
    exit 1
fi
mkdir -p "$root/.tools"
touch "$stamp"
