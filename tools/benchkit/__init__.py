"""The bench: measures, joins each figure with what stands beside it, and shows the result. See tools/bench."""
