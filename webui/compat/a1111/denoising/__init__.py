"""What A1111's extensions see of sampling: its denoiser, samplers, prompts and noise, over this program's."""
