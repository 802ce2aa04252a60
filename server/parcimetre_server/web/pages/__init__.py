"""Pages for people: one file per page, rendered on the server, without scripts or outside assets."""
