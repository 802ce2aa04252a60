"""Gateway mode: asks printers on the network what they printed, and reports each as a device of its own.

Nothing here is imported by the resident. What a printer answers is judged by pure functions; only `snmp`
opens sockets, and only `book` opens files.
"""
