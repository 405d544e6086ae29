"""One file per command group; `main` holds the table that imports them on use."""
