"""The verbs of `compass`: each parses its words, calls one library function, and renders what it returned."""
