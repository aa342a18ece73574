"""Extensions of others: where they come from, what their code does, and how they are installed."""
