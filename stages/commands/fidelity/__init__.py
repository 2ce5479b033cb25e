"""`r1 plan --departures`: where a recipe and its numbers depart from the paper."""
