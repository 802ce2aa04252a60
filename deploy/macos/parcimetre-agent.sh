#!/bin/sh
# What a configuration profile sets stands for the environment; the rest is in /etc/parcimetre/agent.toml.
managed="/Library/Managed Preferences/org.parcimetre.agent"
for name in SERVER SECRET_FILE UPLOAD_PERIOD CA_FILE CLIENT_CERT CLIENT_KEY PROXY SEND_HOSTNAME DISPLAYS ALLOW_HTTP; do
    if value=$(defaults read "$managed" "$name" 2>/dev/null) && [ -n "$value" ]; then
        export "PARCIMETRE_AGENT_$name=$value"
    fi
done
here=$(dirname "$0")
export PYTHONPATH="$here/lib" PYTHONNOUSERSITE=1
exec "$here/python/bin/python3" -I "$here/lib" "$@"
