"""Well profiles: counts, fractions with intervals, medians."""
