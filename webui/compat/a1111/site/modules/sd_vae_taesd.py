# pyright: basic
"""TAESD: the program's own previews use it."""

from webui.compat.a1111.facades.stand_ins import StandIn, absent

TINY = "sd_model.decode_first_stage decodes; the setting 'VAE type for decode' chooses TAESD."
sd_vae_taesd_models = {}
decoder_model = StandIn("modules.sd_vae_taesd.decoder_model", TINY)
encoder_model = StandIn("modules.sd_vae_taesd.encoder_model", TINY)
download_model = StandIn("modules.sd_vae_taesd.download_model", TINY)
TAESDDecoder = StandIn("modules.sd_vae_taesd.TAESDDecoder", TINY)
TAESDEncoder = StandIn("modules.sd_vae_taesd.TAESDEncoder", TINY)


def __getattr__(name):
    absent("modules.sd_vae_taesd", name)
