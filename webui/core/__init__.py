"""Plain types: requests, events, settings, errors. Imports pydantic and the standard library only."""
