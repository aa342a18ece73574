"""The prompt language: text in, structure out. No torch on this floor.

Read a prompt from the outside in: `syntax.strip_comments`, `syntax.lift_networks`, `styles.Styles`, then
`conditioning.plan` (AND parts, each with its schedule of texts) and `conditioning.chunk` (each text as tokens).
"""
