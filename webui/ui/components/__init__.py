"""Parts of a tab, one file each."""
