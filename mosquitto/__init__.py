"""The broker's configuration for deployment, demo and tests: templates and their renderer."""
