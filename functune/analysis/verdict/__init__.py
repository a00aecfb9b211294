"""The recommendation of an experiment: the setting, the reason, how certain it is, and the sentence that states it."""
