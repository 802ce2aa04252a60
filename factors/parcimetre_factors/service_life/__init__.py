"""When a service life begins and ends, and how embodied impact is spread over it."""
