# pyright: basic
"""Where A1111's Lora extension writes."""

import logging

logger = logging.getLogger("lora")
