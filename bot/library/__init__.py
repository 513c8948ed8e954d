"""content/ read into pages and questions: all of it or nothing, every problem with its file and line."""
