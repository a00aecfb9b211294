"""What the rules look at: the files of an app, its packages, a run, and a start of it."""
