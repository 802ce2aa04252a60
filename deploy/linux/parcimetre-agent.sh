#!/bin/sh
# Isolated (-I), so that nothing in the current folder is run; the resident finds the libraries by PYTHONPATH.
library=/usr/lib/parcimetre-agent
export PYTHONPATH="$library" PYTHONNOUSERSITE=1
exec "$library/python" -I "$library" "$@"
