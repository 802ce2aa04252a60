"""Who sees what: readers, tokens, logins, credentials, scoped views of the store, disclosure control."""
