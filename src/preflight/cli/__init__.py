"""preflight command line."""
