#!/bin/sh
# deb: configure [OLD-VERSION] | abort-...
set -e
[ "$1" = configure ] || exit 0
account=parcimetre-collector
getent group $account >/dev/null || groupadd --system $account
getent passwd $account >/dev/null || useradd --system --gid $account --no-create-home \
    --home-dir /var/lib/parcimetre --shell /usr/sbin/nologin $account
install -d -m 0700 -o $account -g $account /var/lib/parcimetre /var/backups/parcimetre
find /usr/lib/$account -name __pycache__ -prune -exec rm -rf {} +
python3 -m compileall -q /usr/lib/$account || true
if [ -z "$2" ]; then
    cat <<END
Nobody reads or administers the collector without a token. The first one:
  runuser -u $account -- parcimetre token create --data-dir /var/lib/parcimetre \\
      --name "First admin" --role admin --everything
END
fi
command -v systemctl >/dev/null || exit 0
if [ -z "$2" ]; then
    systemctl enable --quiet $account.service parcimetre-backup.timer 2>/dev/null || true
fi
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload || true
verb=try-restart
[ -n "$2" ] || verb=start
"$(command -v deb-systemd-invoke || command -v systemctl)" $verb $account.service parcimetre-backup.timer || true
