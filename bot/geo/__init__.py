"""Counties, ZIPs, places; a point in a county. Data and its sources: data/README.md."""
