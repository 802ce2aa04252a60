"""Where joules come from; one source a file, found by its name (see `loading`).

A module has SOURCE, QUALITY (measured, vendor_estimate, modelled) and
`read(root) -> Outcome[list[counters.Counter]]`: energy since an arbitrary start, each with its scope.
Scopes overlap and are never added up here; the collector picks one. Never sampled watts.
"""
