"""The heads: what sits on a backbone and turns features into faces."""
