"""Paints anew what a detector finds in a picture."""
