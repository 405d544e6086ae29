"""Model bundles: a folder with model.onnx and card.json, all that inference needs."""
