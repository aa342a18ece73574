"""What a checkpoint lets the form begin with: from its card, its file, its family."""
