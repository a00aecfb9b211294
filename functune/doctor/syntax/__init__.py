"""The code of an app by its syntax trees; nothing of it is imported."""
