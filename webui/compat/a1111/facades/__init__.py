"""What A1111's modules for models and pictures mean here, over our catalog, stores and device thread."""
