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
        # Debian keeps what venv needs in a package of its own, and pip in another: one of the two will do
        if python3 -m venv "$root/.tools/uv" >/dev/null 2>&1; then
            "$root/.tools/uv/bin/pip" install -q uv
        elif python3 -m pip --version >/dev/null 2>&1; then
            rm -rf "$root/.tools/uv"
            python3 -m pip install -q --target "$root/.tools/uv" uv
        else
            rm -rf "$root/.tools/uv"
            echo "Python has neither venv nor pip here: apt-get install python3-venv, or put uv on PATH." >&2
            exit 1
        fi
    fi
fi
echo "Setting up .venv from containers/requirements/local.lock (about 7 GB with torch) ..." >&2
rm -rf "$root/.venv"
# NumPy 2.0, which Cellpose 3 needs, is not built for Python 3.13 and later: uv then looks for an older one, or gets it
"$uv" venv -q --python '>=3.11,<3.13' "$root/.venv" || {
    echo "Python 3.11 or 3.12 is needed; this machine has $(python3 --version 2>&1), and uv could get no other." >&2
    exit 1
}
"$uv" pip sync -q --compile-bytecode --require-hashes --python "$root/.venv" "$lock"
touch "$stamp"
echo "Compiling the kernels of measurement and UMAP ..." >&2
PYTHONPATH="$root/bin" PYTHONDONTWRITEBYTECODE=1 "$root/.venv/bin/python" "$root/setup/kernels.py" ||
    echo "They could not be compiled; the first run tries again." >&2
