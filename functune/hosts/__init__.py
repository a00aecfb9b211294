"""The hosts that the lab can start or call, one file per kind; ``registry`` finds a kind by its name."""
