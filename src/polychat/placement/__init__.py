"""Starting processes and keeping them alive."""
