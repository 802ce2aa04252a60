# Starts a collector and enrols this machine's own agent; with "demo", adds a simulated fleet first.
# Reads PORT, DATA_DIR, ORG_UNIT, and for the demo DEVICES and DAYS. Ctrl-C stops everything.
set -eu
bin=.venv/bin
url="http://127.0.0.1:$PORT"
org_unit="This machine"
[ "${1:-}" != demo ] || org_unit="Métropole de Démonstration/$org_unit"
mkdir -p "$DATA_DIR"
stop() { trap - EXIT INT TERM; kill $agent $collector 2>/dev/null || true; wait; }
agent= collector=
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$bin/parcimetre" serve --data-dir "$DATA_DIR" --host 127.0.0.1 --port "$PORT" --trust-this-machine &
collector=$!
until "$bin/python" -c "import sys, urllib.request as u; u.urlopen('$url/readyz', timeout=1)" 2>/dev/null; do
    kill -0 $collector 2>/dev/null || { wait $collector; exit $?; }
    sleep 0.3
done

if [ ! -s "$DATA_DIR/agent-secret" ]; then
    (umask 077; "$bin/parcimetre" enrolment-secret create --data-dir "$DATA_DIR" \
        --org-unit "${ORG_UNIT:-$org_unit}" --json |
        "$bin/python" -c "import json, sys; print(json.load(sys.stdin)['secret'])" >"$DATA_DIR/agent-secret")
fi
"$bin/parcimetre-agent" run --server "$url" --secret-file "$DATA_DIR/agent-secret" \
    --data-dir "$DATA_DIR/agent" --upload-period 60 &
agent=$!
if [ "${1:-}" = demo ]; then
    "$bin/parcimetre" demo --data-dir "$DATA_DIR" --server "$url" --devices "$DEVICES" --days "$DAYS"
fi
cat <<END

  Parcimètre runs: $url/
  Anyone on this machine can read and administer it without a login: this is for trying it.
  This machine reports every minute; its footprint shows within a minute.
  In another terminal:  $bin/parcimetre footprint --data-dir $DATA_DIR
  Ctrl-C stops it; the data stays in $DATA_DIR.

END
wait $collector
