"""A1111's scripts: what makes a whole run its own way, chosen in the drop-down "Script"."""
