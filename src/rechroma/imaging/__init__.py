"""Pictures as arrays: files, colors, sizes, inpainting, hues and damage; no model, no dataset."""
