"""The Open Inference Protocol, for clients of KServe, MLServer and Triton. A scheme is a model."""
