"""Fields of an image: reading and writing, focus, projection, quality, illumination."""
