"""Many photographs, restored one after the other."""
