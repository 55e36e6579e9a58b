"""Mending thin damage: scratches, cracks, folds, hairs, spots and dust, at full resolution."""
