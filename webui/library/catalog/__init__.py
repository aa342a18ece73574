"""The lists of model files, their names and folders."""
