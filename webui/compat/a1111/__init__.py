"""The host of A1111's community extensions: loads them unmodified over our own parts.

`site/` is what they import by A1111's names (`modules`, `launch`, `scripts`, `networks` …): it is put on
`sys.path` when the first extension is loaded, and imported by those names alone, never as a part of `webui`.
"""
