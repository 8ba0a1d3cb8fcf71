"""What stands in deploy/ and compose.yaml."""
