"""From labelled feature vectors to a model, its numbers and its plots; pandas and NumPy in, values out."""
