"""Data sets: pictures and captions on disk, and the batches they become."""
