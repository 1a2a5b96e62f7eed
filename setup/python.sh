#!/usr/bin/env bash
# The isolated Python environment .venv, from the hashed lock file; done at once when it is up to date.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lock=$root/containers/requirements/local.lock
stamp=$root/.venv/.installed-$(sha256sum "$lock" | cut -c1-16)
[ ! -f "$stamp" ] || exit 0

if command -v uv >/dev/null; then
    uv=uv
else
    uv=$root/.tools/uv/bin/uv
    if [ ! -x "$uv" ]; then
        echo "Getting uv ..." >&2
        python3 -m venv "$root/.tools/uv"
        "$root/.tools/uv/bin/pip" install -q uv
    fi
fi
echo "Setting up .venv from containers/requirements/local.lock (about 7 GB with torch) ..." >&2
rm -rf "$root/.venv"
"$uv" venv -q --python '>=3.11,<3.13' "$root/.venv"
"$uv" pip sync -q --compile-bytecode --require-hashes --python "$root/.venv" "$lock"
touch "$stamp"
echo "Compiling the kernels of measurement and UMAP ..." >&2
PYTHONPATH="$root/bin" PYTHONDONTWRITEBYTECODE=1 "$root/.venv/bin/python" "$root/setup/kernels.py" ||
    echo "They could not be compiled; the first run tries again." >&2
