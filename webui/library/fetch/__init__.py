"""Models from Civitai, Hugging Face and the web. Nothing is asked of any host unless somebody wants it."""
