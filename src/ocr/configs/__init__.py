"""The Hydra tree of this package, loaded as pkg://ocr.configs."""
