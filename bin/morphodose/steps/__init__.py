"""The steps of the pipeline, one module each, so that an edit of one runs that step again and no other."""
