"""Text detection: networks of the DB family, their loss, targets, data and training module."""
