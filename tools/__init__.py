"""The set-up. A package in the full sense, or else one called tools elsewhere would win."""
