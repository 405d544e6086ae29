"""What can be mended without knowing more than the document says: text, front matter, names, links."""
