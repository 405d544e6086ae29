"""Score a detector, a recognizer or a reader on a data set."""
