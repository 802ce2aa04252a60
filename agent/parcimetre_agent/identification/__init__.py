"""What tells one device from another: serial numbers, names of makers and models, EDID, hypervisors."""
