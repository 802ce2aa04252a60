#!/bin/sh
# deb: remove | upgrade NEW-VERSION | deconfigure
set -e
if [ "$1" = remove ] && command -v systemctl >/dev/null; then
    set -- parcimetre-collector.service parcimetre-backup.timer
    [ ! -d /run/systemd/system ] || systemctl stop "$@" || true
    systemctl disable --quiet "$@" 2>/dev/null || true
fi
find /usr/lib/parcimetre-collector -name __pycache__ -prune -exec rm -rf {} +
