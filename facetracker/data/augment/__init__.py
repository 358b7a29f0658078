"""Many variants of every photo: the plan, the transforms, the workers, and what they write."""
