"""The tab that merges checkpoints; there is none here."""
# pyright: basic


class UiCheckpointMerger:
    def setup_ui(self, dummy_component=None, sd_model_checkpoint_component=None):
        """Nothing."""
