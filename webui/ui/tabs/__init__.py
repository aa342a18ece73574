"""Tabs of the page, one file each."""
