"""
The lab for notebooks and scripts: five functions that return what was found and print nothing.

Each raises FunctuneError, or one of its subclasses in functune.errors, for what the user can repair: UsageError for an
argument, ExperimentError for an experiment, RunFolderError for a run folder, HostError for an app or a host that does
not start, LoadError where nothing could be measured. Times are in seconds and throughputs in requests per second,
unless a name ends in a unit.
"""
