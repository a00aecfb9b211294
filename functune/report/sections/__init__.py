"""The parts of the page, one a file: each takes findings and gives HTML."""
