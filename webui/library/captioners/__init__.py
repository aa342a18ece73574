"""Networks that describe pictures: which folders hold one, which are published, and how one is fetched."""
