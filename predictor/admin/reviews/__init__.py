"""Reviews of predictions: the form, actual prices, samples."""
