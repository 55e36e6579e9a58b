"""Named comparisons of trainings: what they are, how they run, what they found."""
