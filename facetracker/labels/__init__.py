"""Labels: labelme's JSON in and out, starting labelme, the audit, other formats, and the model helping the labeller."""
