"""What the code of an extension does, read from its source. Nothing of it is run or imported."""
