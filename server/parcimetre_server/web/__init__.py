"""HTTP: the app, authentication, API and pages."""
