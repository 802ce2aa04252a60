"""Labels, formats, palette, charts and templates, for pages, reports and commands."""
