"""Films labelled: found and followed faces, put right by a person in a few actions, and frames taken out of them."""
