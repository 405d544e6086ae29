"""Reading results and their file formats; pages of PDF documents in."""
