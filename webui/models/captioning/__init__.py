"""Networks that describe pictures: captions by BLIP and Florence-2, tags by WD taggers."""
