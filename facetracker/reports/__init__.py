"""How good a model is, and what goes on inside it: scores, charts, pages."""
