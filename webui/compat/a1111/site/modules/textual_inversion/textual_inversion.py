# pyright: basic
"""Embeddings: those that there are, by name."""

import os
from collections import namedtuple
from pathlib import Path

import torch

from webui.compat.a1111.facades import embedding_table, reaching
from webui.compat.a1111.facades.embedding_table import EmbeddingDatabase
from webui.compat.a1111.facades.embedding_table import ListedEmbedding as Embedding
from webui.compat.a1111.facades.stand_ins import StandIn, absent

__all__ = ["Embedding", "EmbeddingDatabase", "os", "torch"]

TAB = "Embeddings are trained in the Training tab."
TextualInversionTemplate = namedtuple("TextualInversionTemplate", ["name", "path"])
textual_inversion_templates = {}


class DirWithTextualInversionEmbeddings:
    """A folder of embeddings, and whether it changed."""

    def __init__(self, path):
        self.path = path
        self.mtime = None

    def has_changed(self):
        return Path(self.path).is_dir() and Path(self.path).stat().st_mtime != self.mtime

    def update(self) -> None:
        if Path(self.path).is_dir():
            self.mtime = Path(self.path).stat().st_mtime


def list_textual_inversion_templates():
    """Files of sentences to train with, by name."""
    textual_inversion_templates.clear()
    folder = reaching.root() / "textual_inversion_templates"
    for file in sorted(folder.rglob("*.txt")):
        textual_inversion_templates[file.name] = TextualInversionTemplate(file.name, str(file))
    return textual_inversion_templates


def create_embedding_from_data(data, name, filename="unknown embedding file", filepath=None):
    """An embedding in tables of a file. Raises UnusableFile."""
    found = embedding_table.embedding_of(data, name, filename, filepath)
    if filepath and Path(filepath).is_file():
        from modules import hashes

        found.set_hash(hashes.sha256(filepath, f"textual_inversion/{name}") or "")
    return found


create_embedding = StandIn("modules.textual_inversion.textual_inversion.create_embedding", TAB)
train_embedding = StandIn("modules.textual_inversion.textual_inversion.train_embedding", TAB)
save_embedding = StandIn("modules.textual_inversion.textual_inversion.save_embedding", TAB)
write_loss = StandIn("modules.textual_inversion.textual_inversion.write_loss", TAB)
validate_train_inputs = StandIn("modules.textual_inversion.textual_inversion.validate_train_inputs", TAB)
tensorboard_setup = StandIn("modules.textual_inversion.textual_inversion.tensorboard_setup", TAB)


def __getattr__(name):
    absent("modules.textual_inversion.textual_inversion", name)
