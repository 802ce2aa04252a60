#!/bin/sh
# Takes the agent off this Mac; as root. Settings that others laid down in /etc/parcimetre stay.
launchctl bootout system/org.parcimetre.agent 2>/dev/null
rm -rf /Library/Parcimetre /Library/LaunchDaemons/org.parcimetre.agent.plist
rm -rf /var/lib/parcimetre-agent /var/log/parcimetre-agent.log* /etc/newsyslog.d/org.parcimetre.agent.conf
dscl . -delete /Users/_parcimetre 2>/dev/null
dscl . -delete /Groups/_parcimetre 2>/dev/null
pkgutil --forget org.parcimetre.agent >/dev/null
