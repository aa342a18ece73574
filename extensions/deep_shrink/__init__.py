"""Kohya deep shrink: large pictures whose first steps look at a smaller one inside the network."""
