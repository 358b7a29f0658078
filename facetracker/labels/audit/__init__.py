"""The audit: what is wrong with photos and labels, how it is shown, and what can be put right by itself."""
