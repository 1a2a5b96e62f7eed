#!/usr/bin/env bash
# The isolated Python environment .venv, from the hashed lock file; done at once when it is up to date.
# It is made aside, and is called .venv once all its packages could be imported and the kernels were compiled. One
# set-up at a time; another waits for its end.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lock=$root/containers/requirements/local.lock
stamp=.ready-$(sha256sum "$lock" | cut -c1-16)
# its Python may be a link to one that was removed since
ready() { [ -f "$root/.venv/$stamp" ] && "$root/.venv/bin/python" -c pass 2>/dev/null; }
if ready; then exit 0; fi

command -v flock >/dev/null || { echo "flock is needed (util-linux): two set-ups at a time would spoil .venv" >&2; exit 1; }
mkdir -p "$root/.tools"
exec 9> "$root/.tools/setup.lock"
if ! flock -n 9; then
    echo "Another set-up of this clone is at work; waiting for its end ..." >&2
    flock 9
    if ready; then exit 0; fi
fi

if command -v uv >/dev/null; then
    uv=uv
else
    uv=$root/.tools/uv/bin/uv
    if [ ! -x "$uv" ]; then
        echo "Getting uv ..." >&2
        part=$root/.tools/uv.part
        rm -rf "$part"
        # Debian keeps what venv needs in a package of its own, and pip in another: one of the two will do
        if python3 -m venv "$part" >/dev/null 2>&1; then
            "$part/bin/pip" install -q uv
        elif python3 -m pip --version >/dev/null 2>&1; then
            rm -rf "$part"
            python3 -m pip install -q --target "$part" uv
        else
            rm -rf "$part"
            echo "Python has neither venv nor pip here: apt-get install python3-venv, or put uv on PATH." >&2
            exit 1
        fi
        rm -rf "$root/.tools/uv"
        mv "$part" "$root/.tools/uv"
    fi
fi

part=$root/.venv.part
not_set_up() { echo "$1 The set-up is not done: .venv is as it was. Run make setup again when that is fixed." >&2; exit 1; }
echo "Setting up .venv from containers/requirements/local.lock (about 7 GB with torch) ..." >&2
rm -rf "$part"
# NumPy 2.0, which Cellpose 3 needs, is not built for Python 3.13 and later: uv then looks for an older one, or gets it
"$uv" venv -q --relocatable --python '>=3.11,<3.13' "$part" ||
    not_set_up "Python 3.11 or 3.12 is needed; this machine has $(python3 --version 2>&1), and uv could get no other."
"$uv" pip sync -q --compile-bytecode --require-hashes --python "$part" "$lock" 9>&- ||
    not_set_up "The packages of $lock could not be installed."
echo "Importing every package, and compiling the kernels of segmentation, measurement and UMAP ..." >&2
unset PYTHONPATH
export PYTHONNOUSERSITE=1
"$part/bin/python" "$root/setup/environment.py" --imports >&2 || not_set_up "The environment is broken (see above)."
PYTHONPATH="$root/bin" PYTHONDONTWRITEBYTECODE=1 "$part/bin/python" "$root/setup/kernels.py" ||
    not_set_up "The kernels of segmentation, measurement and UMAP could not be compiled (see above)."
touch "$part/$stamp"
if [ -e "$root/.venv" ] || [ -L "$root/.venv" ]; then
    rm -rf "$root/.venv.old"
    mv -T "$root/.venv" "$root/.venv.old"
fi
mv -T "$part" "$root/.venv"
rm -rf "$root/.venv.old"
