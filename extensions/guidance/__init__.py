"""Other ways to weigh prompts: CFG rescale, PAG, SAG, skip-layer guidance, dynamic thresholding, FreeU."""
