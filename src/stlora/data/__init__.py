"""What a network measured: from a file to windows."""
