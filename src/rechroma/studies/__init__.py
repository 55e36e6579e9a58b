"""Studies: named comparisons of trainings, their runs in DVC's queue, and their results."""
