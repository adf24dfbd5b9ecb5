"""Reports of what lies on disk: pages gathered from the folders of finished runs."""
