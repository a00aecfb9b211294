"""What all tests share."""

from hypothesis import settings

# On a busy machine one example may take a second without anything being wrong.
settings.register_profile("functune", deadline=None)
settings.load_profile("functune")
