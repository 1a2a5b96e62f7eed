"""Death states from two dyes, by gates that control wells set."""
