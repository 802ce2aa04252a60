"""Grid intensity by zone and slot: feeds, observations, monthly profiles, supply contracts."""
