#!/usr/bin/env bash
# Apptainer for the tests, on Debian 12 as root, from Debian's packages only.
#   apptainer.sh install      Apptainer of sid with a glibc of its own, and the configuration that a container host needs
#   apptainer.sh base FOLDER  a Debian root with Python 3.11, for containers/build.sh --from where no hub is reachable
# bookworm has no apptainer. That of sid wants libc6 >= 2.38 for two symbols alone: its two ELF files get an interpreter
# and a search path of their own, and the libc6 of the machine stays as it is.
set -euo pipefail
work=${HPC_DIR:-${TMPDIR:-/tmp}/morphodose-hpc}/apptainer
mirror=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
glibc=/opt/apptainer-glibc
export DEBIAN_FRONTEND=noninteractive

# apt with lists of its own and one suite: the machine's apt stays as it is
sid_apt() {
    apt-get -q -o Dir::Etc::SourceList="$work/sid.list" -o Dir::Etc::SourceParts=- -o Dir::Etc::Preferences=/dev/null \
        -o Dir::Etc::PreferencesParts="$work/lists/partial" -o Dir::State::Lists="$work/lists" -o APT::Sandbox::User=root \
        -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        -o APT::Update::Post-Invoke-Success::= "$@"
}

install() {
    if ! apptainer --version 2>/dev/null; then
        mkdir -p "$work/lists/partial"
        apt-get -q update >/dev/null
        apt-get -q install -y --no-install-recommends patchelf squashfs-tools squashfuse fuse2fs uidmap mmdebstrap >/dev/null
        echo "deb [signed-by=$keyring] $mirror sid main" > "$work/sid.list"
        sid_apt update >/dev/null
        (cd "$work" && rm -f ./*.deb && sid_apt download apptainer libc6)
        rm -rf "$work/package" "$work/libc"
        dpkg-deb -R "$work"/apptainer_*_amd64.deb "$work/package"
        dpkg-deb -x "$work"/libc6_*_amd64.deb "$work/libc"
        mkdir -p "$work/package$glibc"
        cp -a "$work"/libc/usr/lib/x86_64-linux-gnu/*.so* "$work/package$glibc/"
        local file
        for file in usr/bin/apptainer usr/lib/x86_64-linux-gnu/apptainer/bin/starter; do
            patchelf --set-interpreter $glibc/ld-linux-x86-64.so.2 --force-rpath --set-rpath $glibc "$work/package/$file"
        done
        rm "$work/package/DEBIAN/md5sums"
        sed -i -E '/^(Static-)?Built-Using:/d; s/libc6 \(>= [0-9.]+\)/libc6 (>= 2.36)/; s/^(Version: .*)/\1+bookworm1/' "$work/package/DEBIAN/control"
        dpkg-deb -Zgzip -z1 --root-owner-group -b "$work/package" "$work/apptainer-bookworm.deb" >/dev/null
        apt-get -q install -y --no-install-recommends "$work/apptainer-bookworm.deb" >/dev/null
        rm -rf "$work/package" "$work/libc" "$work/lists"
        apptainer --version
    fi
    # root of a virtual machine may lack capabilities that apptainer would ask for: ask for none at run time, and
    # build in a user namespace (--fakeroot), which has them all
    apptainer config global --set 'root default capabilities' no
    grep -qE '^(root|0):' /etc/subuid || apptainer config fakeroot --add root
}

base() {
    rm -rf --one-file-system "$1"
    mmdebstrap --quiet --mode=root --variant=apt --include=ca-certificates,procps,python3,python3-venv \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        bookworm "$1" "$mirror"
    find "$1/dev" -mindepth 1 -delete    # a build in a user namespace cannot copy device nodes
    du -sh "$1"
}

case ${1:-} in
    install) install ;;
    base) base "$2" ;;
    *) sed -n '2,4p' "$0" >&2; exit 2 ;;
esac
