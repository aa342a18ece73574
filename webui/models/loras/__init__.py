"""LoRAs, LyCORIS and other adapters: from keys in a file to changes of weights."""
