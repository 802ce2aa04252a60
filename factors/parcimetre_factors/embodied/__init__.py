"""Impact of making, moving and discarding a device."""
