"""Old output trees in today's layout: found, mapped, carried over, verified, and undone from a journal."""
