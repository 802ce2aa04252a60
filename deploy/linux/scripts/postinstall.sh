#!/bin/sh
# deb: configure [OLD-VERSION] | triggered NAMES | abort-...; rpm: how many versions are then installed
set -e
library=/usr/lib/parcimetre-agent
unit=parcimetre-agent.service

# Without byte code the resident would carry the compiler, and the service's account may not write here.
compile() {
    find "$library" -name __pycache__ -prune -exec rm -rf {} +
    "$library/python" -m compileall -q "$library" || true
}

make_account() {
    getent group parcimetre >/dev/null || groupadd --system parcimetre
    getent passwd parcimetre >/dev/null || useradd --system --gid parcimetre --no-create-home \
        --home-dir /nonexistent --shell "$(command -v nologin || echo /usr/sbin/nologin)" parcimetre
    # a secret that was laid down before the group existed
    if [ -f /etc/parcimetre/secret ]; then
        chgrp parcimetre /etc/parcimetre/secret
        chmod 0640 /etc/parcimetre/secret
    fi
}

grant() {
    systemd-tmpfiles --create parcimetre-agent.conf parcimetre-agent-identity.conf || true
    udevadm control --reload 2>/dev/null || true
    udevadm trigger --subsystem-match=powercap --action=change 2>/dev/null || true
}

case "$1" in
    triggered) compile; exit 0 ;;
    configure) first=${2:-yes} ;;
    1) first=yes ;;
    [2-9]) first=no ;;
    *) exit 0 ;;
esac

make_account
compile
if command -v systemctl >/dev/null; then
    if [ "$first" = yes ]; then
        systemctl enable --quiet $unit 2>/dev/null || true
    fi
    if [ -d /run/systemd/system ]; then
        grant
        systemctl daemon-reload || true
        verb=try-restart
        [ "$first" != yes ] || verb=start
        "$(command -v deb-systemd-invoke || command -v systemctl)" $verb $unit || true
    fi
fi
if [ "$first" = yes ] && [ ! -e /etc/parcimetre/agent.toml ] && [ -z "$(ls -A /etc/parcimetre/conf.d)" ]; then
    echo "parcimetre-agent: name the collector in /etc/parcimetre/agent.toml" \
        "(sample: /usr/share/parcimetre-agent/agent.toml), then: systemctl start parcimetre-agent"
fi
