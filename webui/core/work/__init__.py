"""Every kind of work that the queue takes."""
