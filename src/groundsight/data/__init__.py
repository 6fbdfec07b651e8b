"""Where samples and pictures come from."""
