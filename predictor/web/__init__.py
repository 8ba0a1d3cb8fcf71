"""What the API and the pages share: access, middleware, parsers, errors and headers."""
