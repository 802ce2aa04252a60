"""What is read of this machine: clocks, signals, locks, /sys and /proc, the registry of macOS, SMBIOS."""
