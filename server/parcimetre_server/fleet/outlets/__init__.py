"""Outlets of PDUs, UPSs and switches: their records, the devices fed, and the energy of these."""
