#!/bin/sh
# deb: remove | purge | upgrade | ...; rpm: how many versions are then left
set -e
case "$1" in
    purge) rm -rf /etc/parcimetre ;;
    0) ;; # an rpm leaves the settings that it did not bring
    remove)
        [ ! -d /run/systemd/system ] || systemctl daemon-reload || true
        exit 0
        ;;
    *) exit 0 ;;
esac
rm -rf /var/lib/parcimetre-agent /run/parcimetre-agent
if getent passwd parcimetre >/dev/null; then
    userdel parcimetre || true
fi
if getent group parcimetre >/dev/null; then
    groupdel parcimetre || true
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload || true
