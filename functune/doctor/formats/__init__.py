"""The forms of a diagnosis, one file each."""
