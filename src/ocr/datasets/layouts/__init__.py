"""One module per layout: `matches(path)` recognises it, `read(path, ...)` streams its samples."""
