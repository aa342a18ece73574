"""How much of a file's header is believed, in one place: what announces or holds more is refused.

Each limit is several times what the largest known models hold: a hostile header costs seconds at most.
"""

# Tensors and what stands beside them. SDXL with all of its keys and a training log holds 5,000.
MAX_ENTRIES = 50_000
# Nesting of tables in real files: checkpoint 2, embedding 2, hypernetwork 3.
MAX_DEPTH = 6
# The longest names of real files have 150 characters.
MAX_NAME_CHARACTERS = 500
MAX_DIMENSIONS = 8

# Safetensors. The reference implementation allows 100 MB; SDXL needs 0.4, with a training log 5.
MAX_HEADER_BYTES = 25_000_000
# Each tensor takes three brackets and five commas; what JSON makes of a bracket is 50 times as large.
MAX_BRACKETS, MAX_COMMAS = 400_000, 2_000_000
MAX_SIDE = 1 << 63

# Pickles. The table of SDXL's tensors takes 1 MB; weights are never read.
MAX_PICKLE_BYTES = 6_000_000
# What a pickle's program does, one code a step: a tensor takes 45. A step makes 64 bytes at most.
MAX_PICKLE_STEPS = 45 * MAX_ENTRIES
# Lists within lists that were begun and not ended; real files need five.
MAX_OPEN_MARKS = 1_000
MAX_PICKLED_SIDE = 1 << 48
# Whole numbers below this do not fall on the same place of a table often enough to slow it down. The hashes
# of larger ones, of fractions and of tuples can be chosen so that all of them do; those of texts are secret.
MAX_SMALL_KEY = 1 << 32
# Other keys are counted. Training programs leave a dozen.
MAX_ODD_KEYS = 200
MAX_KEY_ITEMS = 16

# GGUF. Real files hold 3,000 tensors, 60 entries, names of 100 bytes; ggml allows 4 dimensions.
MAX_GGUF_ENTRIES, MAX_GGUF_NAME_BYTES, MAX_GGUF_DIMENSIONS = 2_000, 4_096, 4
# Longer texts (chat templates) and lists (vocabularies) are passed over.
MAX_TEXT_BYTES, MAX_LIST_BYTES = 10_000_000, 100_000_000
# Of all that is read of one header.
MAX_GGUF_BYTES = 50_000_000
# Words of a vocabulary have to be passed one by one; a longer list says that this is a language model.
MAX_WORDS = 20_000
