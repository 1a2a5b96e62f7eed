"""Single-cell crops: weights of a cell, cutting, and the shards that hold them.

`morphodose.crops.shard.CropShard` reads what `crop_cells` wrote; nothing here imports torch.
"""
