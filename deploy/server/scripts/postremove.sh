#!/bin/sh
# deb: remove | purge | upgrade | ...; a purge leaves no data of the fleet behind, but the backups
set -e
if [ "$1" = purge ]; then
    rm -rf /var/lib/parcimetre /etc/parcimetre-collector /var/lib/systemd/timers/stamp-parcimetre-backup.timer
    if getent passwd parcimetre-collector >/dev/null; then
        userdel parcimetre-collector || true
    fi
    if getent group parcimetre-collector >/dev/null; then
        groupdel parcimetre-collector || true
    fi
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload || true
