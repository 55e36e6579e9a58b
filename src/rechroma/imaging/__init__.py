"""Pictures as arrays: files, colors, sizes, fills, hues and damage. Knows no model and no run."""
