"""The whole pipeline on this machine, small, in minutes."""
