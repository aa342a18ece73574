"""Two small control networks for the Starter, trained on its own drawings."""
