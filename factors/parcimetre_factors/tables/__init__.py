"""Factor tables: rows and sources, an organisation's own rows over them, the rules that rows are held to."""
