"""One drawing a file: each takes findings and gives a figure; registry.py lists them."""
