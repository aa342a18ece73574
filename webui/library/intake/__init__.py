"""What arrives: told by its content, filed in its folder, or refused with a sentence."""
