"""One file per command: `run(settings, options)` returns the exit code and raises AgentError."""
