"""The tree of terms behind each figure, and its verification."""
