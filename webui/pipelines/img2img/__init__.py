"""Pictures and masks to pictures."""
