"""The panel: a light and a button, where there is one."""
