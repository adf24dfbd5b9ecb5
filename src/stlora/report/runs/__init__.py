"""What the files of finished runs say, gathered for their page; this room alone of the report knows models and runs."""
