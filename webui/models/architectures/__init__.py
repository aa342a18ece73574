"""Networks built from dimensions, on no device, and the names of their tensors in files."""
