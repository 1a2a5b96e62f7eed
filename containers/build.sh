#!/usr/bin/env bash
# Build the images of the pipeline: containers/build.sh [options] [base|cellpose3|resnet|cellpose4 …]; all by default.
#
#   --out FOLDER        where the *.sif files go (default: images, in the root of the clone)
#   --from IMAGE        what they are built from, instead of the image on Docker Hub that the definitions name: a
#                       folder with a Debian root and Python 3.11 (its /dev empty), or docker://…
#   --compression NAME  of the image's file system: zstd (default), or gzip for kernels before 4.14
#   --gpu p100          PyTorch with code for the P100, which the one of the images has not (requirements/*-p100.lock)
#   --force             build again what is up to date
#
# An image is up to date when it was built from the present lock file and definition. Prints sizes and times.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
out=$root/images from='' compression=zstd gpu='' force='' names=()

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }
while (($#)); do
    case $1 in
        --out) out=$2; shift 2 ;;
        --from) from=$2; shift 2 ;;
        --compression) compression=$2; shift 2 ;;
        --gpu) gpu=$2; shift 2 ;;
        --force) force=1; shift ;;
        -h | --help) usage; exit 0 ;;
        -*) echo "there is no option $1" >&2; usage >&2; exit 2 ;;
        *) names+=("$1"); shift ;;
    esac
done
((${#names[@]})) || names=(base cellpose3 resnet cellpose4)
for name in "${names[@]}"; do
    [ -f "$here/$name.def" ] || { echo "there is no image $name: containers/$name.def does not exist" >&2; exit 2; }
done

engine=$(command -v apptainer || command -v singularity) || {
    echo "neither apptainer nor singularity is on PATH: no image can be built here" >&2
    exit 1
}

arguments=()
case $from in
    '') ;;
    *://*) arguments+=(--build-arg "BOOTSTRAP=${from%%://*}" --build-arg "FROM=${from#*://}") ;;
    *)
        [ -d "$from" ] || { echo "--from $from: there is no such folder, and it is no address" >&2; exit 2; }
        arguments+=(--build-arg BOOTSTRAP=localimage --build-arg "FROM=$(realpath "$from")")
        ;;
esac

# how this machine reaches the package index goes to %post, which sees nothing of the environment, and not into the image
into_post() { export "APPTAINERENV_$1=$2" "SINGULARITYENV_$1=$2"; }
for variable in PIP_INDEX_URL PIP_TRUSTED_HOST UV_DEFAULT_INDEX UV_INSECURE_HOST http_proxy https_proxy no_proxy; do
    [ -z "${!variable:-}" ] || into_post "$variable" "${!variable}"
done
# what is said to pip alone holds for uv, which installs most
[ -z "${PIP_INDEX_URL:-}" ] || [ -n "${UV_DEFAULT_INDEX:-}" ] || into_post UV_DEFAULT_INDEX "$PIP_INDEX_URL"
[ -z "${PIP_TRUSTED_HOST:-}" ] || [ -n "${UV_INSECURE_HOST:-}" ] || into_post UV_INSECURE_HOST "$PIP_TRUSTED_HOST"
bundle=${PIP_CERT:-${SSL_CERT_FILE:-}}
if [ -n "$bundle" ]; then
    inside=/etc/ssl/certs/ca-certificates.crt    # a file that is in the image already: nothing is left behind
    arguments+=(--bind "$bundle:$inside")
    into_post PIP_CERT "$inside"
    into_post SSL_CERT_FILE "$inside"
fi

case $compression in
    zstd) squashfs='-comp zstd -Xcompression-level 3' ;;
    gzip) squashfs='-comp gzip' ;;
    *) echo "--compression $compression: is neither zstd nor gzip" >&2; exit 2 ;;
esac

case $gpu in
    '' | p100) ;;
    *) echo "--gpu $gpu: there is p100 alone; leave it out for GPUs from V100 to B200" >&2; exit 2 ;;
esac

mkdir -p "$out"
out=$(realpath "$out")
cd "$here"    # the definitions name their files from here
for name in "${names[@]}"; do
    image=$out/$name.sif
    # what the image is made of: its definition and its dependencies
    requirements=$name.lock
    [ -z "$gpu" ] || [ "$name" = base ] || requirements=$name-$gpu.lock
    digest=$(cat "$name.def" "requirements/$requirements" | sha256sum | cut -c1-16)
    chosen=()
    [ "$name" = base ] || chosen=(--build-arg "REQUIREMENTS=$requirements")    # base has no such argument
    # an image that cannot be inspected is not an image of this lock, and is built anew
    labels=$([ ! -f "$image" ] || "$engine" inspect --labels "$image" 2>/dev/null || true)
    if [ -z "$force" ] && [[ $labels == *"morphodose.lock: $digest"* ]]; then
        echo "$name: up to date, $(stat -c %s "$image" | numfmt --to=iec) ($image)"
        continue
    fi
    begin=$SECONDS
    "$engine" --silent build --fakeroot --force --notest --mksquashfs-args "$squashfs" \
        --build-arg "LOCK=$digest" "${chosen[@]}" "${arguments[@]}" --bind "$root:/mnt:ro" "$image.part" "$name.def" > "$image.log" 2>&1 || {
        tail -30 "$image.log" >&2
        echo "$name: not built; the whole log is $image.log" >&2
        exit 1
    }
    built=$((SECONDS - begin))
    "$engine" test --containall --bind "$root/bin:/opt/morphodose/bin:ro" --bind "$root/setup:/opt/morphodose/setup:ro" "$image.part" >> "$image.log" 2>&1 || {
        tail -30 "$image.log" >&2
        echo "$name: its test failed; the image is left as $image.part, the whole log is $image.log" >&2
        exit 1
    }
    mv "$image.part" "$image"
    echo "$name: $(stat -c %s "$image" | numfmt --to=iec), built in $built s, tested in $((SECONDS - begin - built)) s ($image)"
done
