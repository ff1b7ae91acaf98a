#!/usr/bin/env bash
# Installs hydrolog on a Debian or Ubuntu box, or updates an installed one. Run it as root from the folder of this
# program:  sudo bash deploy/install.sh
# Existing settings and data are not changed.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022  # root's may be stricter, but the service runs as another user

home=/opt/hydrolog          # the program
settings=/etc/hydrolog      # the settings and the token
state=/var/lib/hydrolog     # all data
needed_mb=1500              # the program with its libraries, and pip's temporary files

[ "$(id -u)" = 0 ] || { echo "run it as root: sudo bash deploy/install.sh" >&2; exit 1; }
python=$(command -v python3.11 || command -v python3) || { echo "python3 is missing: sudo apt install -y python3 python3-venv" >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$python is too old: 3.11 or later is needed" >&2; exit 1; }
"$python" -c 'import ensurepip' 2>/dev/null || { echo "a part of Python is missing: sudo apt install -y python3-venv" >&2; exit 1; }

step() { stage=$1 advice=${2:-}; echo "$stage"; }
trap 'printf "\nSTOPPED in step %s\n%s\nFinished steps stay: fix that, and type the same command again.\n" "$stage" "$advice" >&2' ERR

step "1/5 user hydrolog"
id hydrolog >/dev/null 2>&1 || useradd --system --home-dir "$state" --shell /usr/sbin/nologin hydrolog
usermod --append --groups dialout hydrolog  # the serial ports

step "2/5 program in $home (some minutes: libraries come from the internet)" \
    "Is the box on the internet (try: ping -c 3 debian.org)? Without: see $PWD/deploy/README.md. Is there room (df -h /opt)?"
mkdir -p "$home"
free_mb=$(df --output=avail -BM "$home" | tr -dc 0-9)
if [ ! -e "$home/.venv" ] && [ "$free_mb" -lt "$needed_mb" ]; then
    echo "there is room for $free_mb MB in $home; $needed_mb MB are needed" >&2
    false
fi
# Built from a copy, so no files of root stay in this folder, and its name may have any character.
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
tar -c --exclude='./.*' --exclude=./var --exclude=./build --exclude=./dist --exclude='*.egg-info' --exclude=./wheels . |
    tar -x --no-same-owner -C "$source"
[ ! -d wheels ] || export PIP_FIND_LINKS="${PIP_FIND_LINKS:-} wheels"  # see make wheels
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
"$python" -m venv "$home/.venv"
"$home/.venv/bin/python" deploy/install_torch.py install
"$home/.venv/bin/python" -m pip install --quiet --constraint deploy/constraints.txt "$source"
mkdir -p "$home/deploy"
cp -r deploy/supervisord.conf deploy/README.md deploy/hydrolog.example.toml deploy/programs "$home/deploy/"
cp -r docs "$home/"  # deploy/README.md links to it
chmod -R go+rX "$home"  # files may have stricter rights, or come from an earlier installation with a stricter umask

step "3/5 settings in $settings"
install -d -o root -g hydrolog -m 0750 "$settings"
[ -e "$settings/hydrolog.toml" ] || install -o root -g hydrolog -m 0640 deploy/hydrolog.example.toml "$settings/hydrolog.toml"
if [ ! -e "$settings/server.token" ]; then
    (umask 077 && "$python" -c 'import secrets; print(secrets.token_urlsafe(32))' >"$settings/server.token")
    chown hydrolog: "$settings/server.token"
fi

step "4/5 the command hydrolog, udev rules, systemd unit"
install -d -o hydrolog -g hydrolog -m 0750 "$state"
cat >/usr/local/bin/hydrolog <<'WRAPPER'
#!/bin/sh
# hydrolog with the box's settings, as the box's user.
[ "$(id -u)" = 0 ] || exec sudo "$0" "$@"
cd /var/lib/hydrolog
exec setpriv --reuid hydrolog --regid hydrolog --init-groups env HYDROLOG_CONFIG=/etc/hydrolog/hydrolog.toml \
    HYDROLOG_HOME=/var/lib/hydrolog /opt/hydrolog/.venv/bin/hydrolog "$@"
WRAPPER
chmod 0755 /usr/local/bin/hydrolog
install -D -m 0644 deploy/99-serial.rules /etc/udev/rules.d/99-serial.rules
install -D -m 0644 deploy/hydrolog.service /etc/systemd/system/hydrolog.service

step "5/5 start at boot"
if [ -d /run/systemd/system ]; then
    udevadm control --reload && udevadm trigger --subsystem-match=tty
    systemctl daemon-reload
    systemctl enable hydrolog
    systemctl try-restart hydrolog  # an update: restart the running group
    echo "Done. Now write the settings:  sudo nano $settings/hydrolog.toml  then:  sudo systemctl restart hydrolog"
    echo "A minute later this says what is still missing:  hydrolog check"
else
    echo "Done, but systemd does not run here: start the group by hand as $home/deploy/README.md says."
fi
