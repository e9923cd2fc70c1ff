"""The broker's configuration, one for deployment, demo and tests: templates and their renderer."""
