"""Other projects' wire formats, translated at the edge."""
