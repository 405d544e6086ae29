"""Text recognition: networks, losses, data and the Lightning module."""
