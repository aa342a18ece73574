"""What other programs say of how a picture was made, as infotext. Texts in, text out; no files."""
