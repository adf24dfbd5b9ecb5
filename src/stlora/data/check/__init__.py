"""What ``stlora data check`` says of a series."""
