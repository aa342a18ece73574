"""Ways to weigh words, by A1111's names; the one that is chosen is a setting, and the program applies it."""
# pyright: basic

from typing import Any


class Emphasis:
    """A way to weigh words: `z` are the encoded tokens (B, n, D), `multipliers` their weights (B, n)."""

    name = "Base"
    description = ""
    tokens: Any = None
    multipliers: Any = None
    z: Any = None

    def after_transformers(self):
        """Nothing is changed."""


class EmphasisNone(Emphasis):
    name = "None"
    description = "Brackets are read as they stand."


class EmphasisIgnore(Emphasis):
    name = "Ignore"
    description = "Brackets are taken off, and all words weigh the same."


class EmphasisOriginalNoNorm(Emphasis):
    name = "No norm"
    description = "Weights multiply, and the mean moves with them."

    def after_transformers(self):
        self.z = self.z * self.multipliers.reshape((*self.multipliers.shape, 1)).expand(self.z.shape)


class EmphasisOriginal(EmphasisOriginalNoNorm):
    name = "Original"
    description = "Weights multiply, and the mean stays."

    def after_transformers(self):
        before = self.z.mean()
        super().after_transformers()
        self.z = self.z * (before / self.z.mean())


options = [EmphasisNone, EmphasisIgnore, EmphasisOriginal, EmphasisOriginalNoNorm]


def get_current_option(emphasis_option_name):
    """The way of that name; the usual one where there is none."""
    return next((each for each in options if each.name == emphasis_option_name), EmphasisOriginal)


def get_options_descriptions():
    return ", ".join(f"{each.name}: {each.description}" for each in options)
