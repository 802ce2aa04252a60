#!/bin/sh
# The system's Python, 3.9 or later: RHEL 8 calls 3.6 python3, and later ones by their number.
for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9; do
    if "/usr/bin/$python" -IS -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
        exec "/usr/bin/$python" "$@"
    fi
done
echo "parcimetre-agent: no Python 3.9 or later in /usr/bin; install python3 (RHEL 8: python3.11)" >&2
exit 2
