"""Whether a checkpoint is InstructPix2Pix's."""
# pyright: basic


def should_hijack_ip2p(checkpoint_info):
    return False
