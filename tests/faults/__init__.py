"""Input that is broken, hostile or extreme, and tasks that are killed: what may never happen."""
