"""What all handlers share: how events are wired, and how a refusal becomes a sentence on the page."""

from typing import Any

# Handlers that are no one else's business: no entry in Gradio's API, no spinner over what they change.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# Short handlers that answer at once, past Gradio's queue.
INSTANT: dict[str, Any] = QUIET | {"queue": False}
