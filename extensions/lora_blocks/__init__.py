"""Weights of LoRAs by block and by step."""
