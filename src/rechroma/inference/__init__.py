"""A network applied to a photograph of any size."""
