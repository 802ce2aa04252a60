"""Where joules come from; one source a file, found by its name (see `loading`).

A module has SOURCE, QUALITY (measured, vendor_estimate, modelled) and
`read(root) -> Outcome[list[counters.Counter]]`: energy since an arbitrary start, each with its scope.
Scopes overlap and are never added up here; the collector picks one. Never sampled watts.

A source that costs more than reading a small file states EVERY_S, a divisor of 900, and is asked once in
so many seconds. Such a one may answer with `averages.Mean`: mean power over a window that the meter states.
What only a configured or present meter needs (ssl, ctypes) is loaded by `read`, never with the module.
"""
