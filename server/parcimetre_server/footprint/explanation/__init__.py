"""Explanations: any figure as a tree of terms with factors and sources."""
