"""The one grammar of model replies: parse and its inverse, render."""
