"""Looking inside a trained network: its layers and what they cost, its filters, its activations, where it looks."""
