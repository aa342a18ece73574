"""A1111's processing object over our frozen requests, and runs made from it."""
