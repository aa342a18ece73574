"""Hypernetworks."""
