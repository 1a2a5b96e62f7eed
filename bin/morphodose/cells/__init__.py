"""The tables of cells: how they are made, and how the steps after them read them."""
