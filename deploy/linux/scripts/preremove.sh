#!/bin/sh
# deb: remove | upgrade NEW-VERSION | deconfigure; rpm: how many versions are then left
set -e
case "$1" in
    1) exit 0 ;; # the new version has compiled its own
    remove | 0)
        if command -v systemctl >/dev/null; then
            [ ! -d /run/systemd/system ] || systemctl stop parcimetre-agent.service || true
            systemctl disable --quiet parcimetre-agent.service 2>/dev/null || true
        fi
        ;;
esac
find /usr/lib/parcimetre-agent -name __pycache__ -prune -exec rm -rf {} +
