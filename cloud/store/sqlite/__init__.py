"""The embedded store: `store` joins the parts, each of which keeps one subject in its tables."""
