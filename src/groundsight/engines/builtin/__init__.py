"""The builtin engine: evidence lines, one written verdict rule, no language model, no torch."""
