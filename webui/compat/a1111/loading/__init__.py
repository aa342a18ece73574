"""Finding the order of extensions, running their preload.py and install.py, importing their scripts."""
