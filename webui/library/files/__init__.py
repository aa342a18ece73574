"""Reading the headers of model files, and little else of them."""
