"""Large pictures in overlapping tiles of the latent: MultiDiffusion and Mixture of Diffusers."""
