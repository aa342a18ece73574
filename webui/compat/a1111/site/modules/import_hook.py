"""A1111 changes how some libraries are imported; nothing of that is needed here."""
