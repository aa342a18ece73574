"""From files on disk to networks on a device."""
