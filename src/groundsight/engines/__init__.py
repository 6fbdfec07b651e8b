"""Who writes the answer: builtin, hf, openai, replay."""
