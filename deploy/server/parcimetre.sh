#!/bin/sh
# Isolated (-I): nothing of the current folder or of the user's own Python is run.
exec /usr/bin/python3 -I /usr/lib/parcimetre-collector "$@"
