"""Impact of a kilowatt-hour by zone and slot, where the device stands or by its supply contract."""
