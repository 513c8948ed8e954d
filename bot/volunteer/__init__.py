"""What volunteers do at the command line: preview, new page, explain, eval."""
