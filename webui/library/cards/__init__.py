"""Cards: every model file with what is written about it, searched and sorted in memory."""
