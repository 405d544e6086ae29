"""Reading: detector and recognizer on ONNX Runtime, without torch."""
