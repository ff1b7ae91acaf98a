#!/usr/bin/env bash
# Installs hydrolog on a Debian or Ubuntu box, or updates an installed one. Run it as root from the folder of this
# program:  sudo bash deploy/install.sh
# Existing settings and data are not changed. The installed version runs until the new one is built and has passed its
# checks; if that fails, it goes on.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022  # root's may be stricter, but the service runs as another user

home=/opt/hydrolog          # the program, each version in its own folder
settings=/etc/hydrolog      # the settings and the token
state=/var/lib/hydrolog     # all data
needed_mb=1500              # one version with its libraries, and pip's temporary files

say_and_stop() { echo "$1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || say_and_stop "run it as root: sudo bash deploy/install.sh"
python=$(command -v python3.11 || command -v python3) || say_and_stop "python3 is missing: sudo apt install -y python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || say_and_stop "$python is too old: 3.11 or later is needed"
"$python" -c 'import ensurepip' 2>/dev/null || say_and_stop "a part of Python is missing: sudo apt install -y python3-venv"
exec 9>/run/hydrolog-admin.lock
flock --nonblock 9 || say_and_stop "another installation or hydrolog-admin is running"
export HAS_INSTALL_LOCK=1

kept() { readlink "$home/$1" 2>/dev/null || true; }  # of `current` or `previous`: versions/NAME
old=$(kept current)
[ -n "$old" ] || [ ! -e "$home/.venv" ] || old=versions/unversioned  # installed before there were versions
forget_others() {  # half of one from a power cut, one that was not well, those before the previous one
    local folder
    for folder in "$home"/versions/*/; do
        folder=versions/$(basename "$folder")
        [ "$folder" = "$(kept current)" ] || [ "$folder" = "$(kept previous)" ] || rm -rf "${home:?}/$folder"
    done
    case $(kept current)$(kept previous) in
        *unversioned*) ;;
        ?*) rm -rf "$home/.venv" "$home/deploy" "$home/docs" ;;
    esac
}

release=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml | head -n 1)
number=1
for folder in "$home/versions/$release"-[0-9]*; do
    if [ -e "$folder" ] && [ "${folder##*-}" -ge "$number" ]; then number=$((${folder##*-} + 1)); fi
done
name=$release-$number
new=$home/versions/$name
libraries="about 0.3 GB come from the internet"
if [ -d wheels ]; then libraries="from the folder wheels"; fi

what="installs hydrolog $name"
if [ -n "$old" ]; then what="updates hydrolog from ${old#versions/} to $name"; fi
cat <<PLAN
This $what:
  the user hydrolog, who may open serial ports
  the program in $new ($libraries)
  settings in $settings, data in $state; what is there stays as it is
  the commands hydrolog and hydrolog-admin in /usr/local, names for serial adapters in /etc/udev/rules.d
  the service hydrolog, which starts at boot${old:+; the old version comes back if the new one is not well}
PLAN

step() { stage=$1 advice=${2:-}; echo "$stage"; }
trap 'printf "\nSTOPPED in step %s\n%s\nFinished steps stay: fix that, and type the same command again.\n" "$stage" "$advice" >&2' ERR

step "1/5 user hydrolog"
id hydrolog >/dev/null 2>&1 || useradd --system --home-dir "$state" --shell /usr/sbin/nologin hydrolog
usermod --append --groups dialout hydrolog  # the serial ports

step "2/5 program (some minutes)" \
    "Is the box on the internet (try: ping -c 3 debian.org)? Without: see $PWD/deploy/README.md. Is there room (df -h /opt)?"
mkdir -p "$home/versions"
forget_others
free_mb=$(df --output=avail -BM "$home" | tr -dc 0-9)
if [ "$free_mb" -lt "$needed_mb" ]; then
    echo "there is room for $free_mb MB in $home; $needed_mb MB are needed" >&2
    false
fi
# Built from a copy, so no files of root stay in this folder, and its name may have any character.
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
tar -c --exclude='./.*' --exclude=./var --exclude=./build --exclude=./dist --exclude='*.egg-info' --exclude=./wheels . |
    tar -x --no-same-owner -C "$source"
if [ -d wheels ]; then export PIP_FIND_LINKS="${PIP_FIND_LINKS:-} wheels"; fi  # see make wheels
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
"$python" -m venv "$new/.venv"
"$new/.venv/bin/python" deploy/install_torch.py --small-only install
pip=("$new/.venv/bin/python" -m pip install --quiet --no-deps)
"${pip[@]}" --only-binary=:all: --require-hashes --requirement deploy/requirements.lock
if [ -d "$home/$old/.venv" ] && "$home/$old/.venv/bin/python" -c 'import plotly' 2>/dev/null; then  # somebody has added it
    "${pip[@]}" --only-binary=:all: --require-hashes --requirement deploy/reports.lock
fi
"${pip[@]}" --no-build-isolation "$source"
cp -r deploy docs "$new/"  # deploy/README.md links to docs
chmod -R go+rX "$new"      # files may have stricter rights

step "3/5 settings in $settings"
install -d -o root -g hydrolog -m 0750 "$settings"
install -d -o hydrolog -g hydrolog -m 0750 "$state"
first=$([ -e "$settings/hydrolog.toml" ] || echo yes)
[ -z "$first" ] || install -o root -g hydrolog -m 0640 deploy/hydrolog.example.toml "$settings/hydrolog.toml"
if [ ! -e "$settings/server.token" ]; then
    (umask 077 && "$python" -c 'import secrets; print(secrets.token_urlsafe(32))' >"$settings/server.token")
    chown hydrolog: "$settings/server.token"
fi

step "4/5 check of the new version" "The version that was installed goes on."
(cd "$state" && setpriv --reuid hydrolog --regid hydrolog --init-groups env HYDROLOG_CONFIG="$settings/hydrolog.toml" \
    "$new/.venv/bin/python" -P -m deploy.self_check)
sync -f "$new"
touch "$new/complete"

step "5/5 commands, udev rules, service" "The version that was installed goes on."
if [ "$old" = versions/unversioned ]; then  # made a version, without a change to what the box starts
    mkdir -p "$home/$old"
    cp -r "$home/deploy" "$home/$old/"
    cp /etc/systemd/system/hydrolog.service "$home/$old/deploy/"
    ln -sfn ../../.venv "$home/$old/.venv"
    touch "$home/$old/complete"
    ln -sfn "$old" "$home/current"
fi
cat >/usr/local/bin/hydrolog.new <<'WRAPPER'
#!/bin/sh
# hydrolog with the box's settings, as the box's user.
[ "$(id -u)" = 0 ] || exec sudo "$0" "$@"
cd /var/lib/hydrolog
exec setpriv --reuid hydrolog --regid hydrolog --init-groups env HYDROLOG_CONFIG=/etc/hydrolog/hydrolog.toml \
    HYDROLOG_HOME=/var/lib/hydrolog /opt/hydrolog/current/.venv/bin/hydrolog "$@"
WRAPPER
chmod 0755 /usr/local/bin/hydrolog.new
mv -T /usr/local/bin/hydrolog.new /usr/local/bin/hydrolog
install -D -m 0755 deploy/hydrolog-admin /usr/local/sbin/hydrolog-admin
install -D -m 0644 deploy/99-serial.rules /etc/udev/rules.d/99-serial.rules
if [ -d /run/systemd/system ]; then
    udevadm control --reload && udevadm trigger --subsystem-match=tty || echo "udev does not run here"
    # Debian leaves it off; without it the service starts before the clock is set.
    if systemctl cat chrony-wait.service >/dev/null 2>&1; then systemctl enable --quiet chrony-wait.service; fi
fi
bash deploy/hydrolog-admin use "$name"
forget_others

if [ ! -d /run/systemd/system ]; then
    echo "Done, but systemd does not run here: start the group by hand as $home/current/deploy/README.md says."
    exit
fi
systemctl enable --quiet hydrolog
for port in ttyS0 ttyS1 ttyAMA0; do  # a login prompt on the meter's port would answer the meter
    if systemctl is-active --quiet "serial-getty@$port"; then
        echo "A login console has the built-in port /dev/$port. To read a meter there:  sudo systemctl mask --now serial-getty@$port"
    fi
done
if [ -n "$first" ]; then
    echo "Done. Now write the settings:  sudo nano $settings/hydrolog.toml  then:  sudo systemctl restart hydrolog"
    echo "A minute later this says what is still missing:  hydrolog check"
else
    echo "Done. This says whether all is well:  hydrolog status"
fi
