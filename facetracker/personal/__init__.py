"""A tracker of one's own: a person's style in closed form, and an own head in half a minute."""
