"""What the machine is and does; one concept a file, found by its name (see `loading`).

- `activity/` is read by the resident at every sample: a module has `read(...) -> Outcome[dict[str, float]]`
  whose keys are some of `slot.SAMPLE_FIELDS`. It loads psutil and `machine.sysfs`, nothing else.
- `inventory/` is read by the courier, at boot and when due: a module has
  `read(machine) -> Outcome[dict[str, Any]]` whose keys are fields of `report.Inventory`.
- `firmware.py`, `displays.py` and `system_profiler.py` turn what was parsed into records of the report.

Every path is an argument with the system's own as default, so that tests hand over recorded trees.
Nothing here reads input devices, processes, users or network addresses; a test keeps it so.
"""
