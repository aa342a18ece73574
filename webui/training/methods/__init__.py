"""What can be trained, and the files it becomes."""
