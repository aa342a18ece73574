# pyright: basic
"""SDXL needs no code of its own here."""

from webui.compat.a1111.facades.stand_ins import StandIn, absent

ONE = "SDXL's networks are the program's own: use shared.sd_model.get_learned_conditioning and apply_model."
get_learned_conditioning = StandIn("modules.sd_models_xl.get_learned_conditioning", ONE)
apply_model = StandIn("modules.sd_models_xl.apply_model", ONE)
encode_embedding_init_text = StandIn("modules.sd_models_xl.encode_embedding_init_text", ONE)
tokenize = StandIn("modules.sd_models_xl.tokenize", ONE)
process_texts = StandIn("modules.sd_models_xl.process_texts", ONE)
get_target_prompt_token_count = StandIn("modules.sd_models_xl.get_target_prompt_token_count", ONE)
extend_sdxl = StandIn("modules.sd_models_xl.extend_sdxl", ONE)


def __getattr__(name):
    absent("modules.sd_models_xl", name)
