"""A lock that is given in the order in which it was asked for."""
# pyright: basic

from webui.compat.a1111.gradio3.queued_calls import QueueLock as FIFOLock

__all__ = ["FIFOLock"]
