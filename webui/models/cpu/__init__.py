"""What makes networks quick on a processor."""
