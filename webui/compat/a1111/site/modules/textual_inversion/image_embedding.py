# pyright: basic
"""Embeddings in pictures: the program reads them by itself."""

from webui.compat.a1111.facades.stand_ins import StandIn, absent

READ = "An embedding in a picture is read where the picture lies in the embeddings folder."
for each in (
    "EmbeddingEncoder",
    "EmbeddingDecoder",
    "embedding_to_b64",
    "embedding_from_b64",
    "lcg",
    "xor_block",
    "style_block",
    "insert_image_data_embed",
    "crop_black",
    "extract_image_data_embed",
    "caption_image_overlay",
):
    globals()[each] = StandIn(f"modules.textual_inversion.image_embedding.{each}", READ)


def __getattr__(name):
    absent("modules.textual_inversion.image_embedding", name)
