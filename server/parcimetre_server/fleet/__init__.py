"""Devices and what is known of them: hardware, monitors, outlets, printing, purchases, merges, retirement."""
