"""The API for programs: views parse, call the service, respond."""
