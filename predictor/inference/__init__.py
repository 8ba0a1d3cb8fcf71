"""The door of the Open Inference Protocol: of KServe, MLServer, Triton. A scheme is a model."""
