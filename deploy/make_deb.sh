#!/usr/bin/env bash
# Builds dist/hydrolog_VERSION_ARCHITECTURE.deb, for boxes without internet that have this computer's processor and Python:
# this folder with its wheels. Installing it runs deploy/install.sh. Used by `make deb`, after `make wheels`.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml | head -n 1)
architecture=$(dpkg --print-architecture)
python=$(basename "$(find wheels -name 'torch-*' | head -n 1)" | sed -n 's/.*-cp3\([0-9]*\)-.*/3.\1/p')  # of the wheels
[ -n "$python" ] || { echo "there is no torch in the folder wheels: make wheels" >&2; exit 1; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
program=usr/share/hydrolog
mkdir -p "$root/DEBIAN" "$root/$program" dist
tar -c --exclude='./.*' --exclude=./var --exclude=./build --exclude=./dist --exclude=./tests --exclude=./bench \
    --exclude='*.egg-info' --exclude='__pycache__' . | tar -x --no-same-owner -C "$root/$program"
chmod -R go=rX "$root/$program"

cat >"$root/DEBIAN/control" <<CONTROL
Package: hydrolog
Version: $version
Architecture: $architecture
Maintainer: the hydrolog project
Depends: python$python, python$python-venv, sudo, util-linux
Recommends: chrony
Section: science
Priority: optional
Description: reads the meters of a water pipe, keeps every row, sends it once
 With all libraries, so no internet is needed. The program is installed into /opt/hydrolog, each version in its own
 folder; see the command hydrolog-admin.
CONTROL
# The version before stays in place until the new one is well, so nothing is stopped or removed for an upgrade.
cat >"$root/DEBIAN/postinst" <<POSTINST
#!/bin/sh
set -e
[ "\$1" = configure ] || exit 0
PIP_NO_INDEX=1 bash /$program/deploy/install.sh
POSTINST
cat >"$root/DEBIAN/prerm" <<PRERM
#!/bin/sh
set -e
[ "\$1" = remove ] || exit 0
[ ! -x /usr/local/sbin/hydrolog-admin ] || /usr/local/sbin/hydrolog-admin uninstall
PRERM
cat >"$root/DEBIAN/postrm" <<'POSTRM'
#!/bin/sh
set -e
[ "$1" = purge ] || exit 0
# Data outlives a purge: no other copy may exist.
if [ -e /etc/hydrolog ] || [ -e /var/lib/hydrolog ]; then
    echo "Settings and data are kept. To remove them, too:  sudo rm -r /etc/hydrolog /var/lib/hydrolog"
fi
POSTRM
chmod 0755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm" "$root/DEBIAN/postrm"
dpkg-deb --build --root-owner-group -Znone "$root" "dist/hydrolog_${version}_$architecture.deb"
