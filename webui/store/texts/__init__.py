"""The texts inside picture files: written, read, and mended where another program garbled them."""
