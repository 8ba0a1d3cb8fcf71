"""The Open Inference Protocol, for clients of KServe, MLServer and Triton. Each scheme is a model."""
