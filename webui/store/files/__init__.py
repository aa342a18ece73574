"""Files of any kind: written whole or not at all, received in pieces, guarded by what a name may be."""
