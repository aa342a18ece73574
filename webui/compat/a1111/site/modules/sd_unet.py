"""U-Nets of extensions in the place of the checkpoint's: the names; this program runs its own."""
# pyright: basic

unet_options = []
current_unet_option = None
current_unet = None
original_forward = None


class SdUnetOption:
    model_name = None
    label = None

    def create_unet(self):
        raise NotImplementedError


class SdUnet:
    def forward(self, x, timesteps, context, *args, **kwargs):
        raise NotImplementedError

    def activate(self):
        pass

    def deactivate(self):
        pass


def list_unets():
    """Ask extensions for theirs."""
    from modules import script_callbacks

    unet_options[:] = script_callbacks.list_unets_callback()


def get_unet_option(option=None):
    """The one of a label; None, Automatic: the checkpoint's own."""
    if option in (None, "Automatic", "None"):
        return None
    return next((each for each in unet_options if each.label == option), None)


def apply_unet(option=None):
    """Nothing: the checkpoint's own U-Net is used."""


def create_unet_forward(original_forward):
    return original_forward
