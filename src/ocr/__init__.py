"""Reading receipts and documents: detection, recognition, training, records and serving."""

__version__ = "0.1.0"
