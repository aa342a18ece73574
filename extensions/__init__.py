"""Drop-in extensions: each folder here with a `plugin.py` is one."""
