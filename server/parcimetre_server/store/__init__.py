"""Storage of slots of devices, and of facts about everything else.

Two kinds of record, both append-only in meaning: a *slot* is what was measured on a device in a quarter
hour (the record that covers more time replaces the other), a *fact* is a statement about a thing (org
unit, site, secret, device, inventory...), and the latest fact about a key is its state.
"""
