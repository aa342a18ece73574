"""Atelier: a self-hosted Stable Diffusion web UI."""
