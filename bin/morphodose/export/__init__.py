"""Tables of the screen in formats of other tools."""
