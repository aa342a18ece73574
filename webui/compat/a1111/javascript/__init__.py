"""The page as scripts of A1111's extensions know it."""
