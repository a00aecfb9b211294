"""Everything that is printed: the progress of a sweep, verdicts, comparisons. It decides nothing."""
