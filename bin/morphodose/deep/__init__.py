"""The network that reads crops: its recipe, its data, its training, its use."""
