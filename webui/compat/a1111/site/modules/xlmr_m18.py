"""A later form of the same, by name."""
# pyright: basic

from modules.xlmr import BertSeriesConfig, BertSeriesModelWithTransformation

__all__ = ["BertSeriesConfig", "BertSeriesModelWithTransformation"]
