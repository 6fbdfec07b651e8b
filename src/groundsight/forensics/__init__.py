"""Evidence from the picture and its file, without a language model and without torch."""
