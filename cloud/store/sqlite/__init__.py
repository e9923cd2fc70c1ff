"""The embedded store: `store` joins the modules, each of which keeps one subject in its tables."""
