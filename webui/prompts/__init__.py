"""The prompt language: text in, structure out. No torch on this floor.

A prompt is read from the outside in: `styles.Styles`, `syntax.strip_comments`, `syntax.lift_networks`,
`conditioning.plan` (AND parts, each with its schedule of texts) and `chunks.chunk_text` (a text as tokens).
"""
