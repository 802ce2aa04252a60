"""Poll printers, network devices, power units and servers, and report each as a device of its own.

The resident imports nothing of it. Pure functions interpret the answers; only `snmp` and `bmc_session` open
sockets, and only `book` opens the gateway's file.
"""
