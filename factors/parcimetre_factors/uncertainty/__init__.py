"""95 % intervals: amounts by the factors whose errors they carry, and the draws of those errors."""
