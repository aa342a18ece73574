"""Ways to change a network for one denoising; each puts everything back."""
