"""LoRAs and their kin: from keys in a file to changes of weights."""
