"""Networks, their weights, and how both are stored."""
