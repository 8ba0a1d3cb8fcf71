"""The list of predictions: its pages, filters, export and saved filters."""
