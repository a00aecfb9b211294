"""`make bench`: the figures the project holds itself to, each a ratio measured in one run."""
