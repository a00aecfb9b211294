"""The sweep: plans the trials of an experiment, puts the load on a host, and writes what it measures."""
