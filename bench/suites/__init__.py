"""One module per subject; its function measures and yields the figures as they are known."""
