"""Sensors of hardware, read by the courier: `read(machine) -> Outcome` of fields of `report.Inventory`."""
