"""A local page: letters in, verdict, pictures and attribution out. Needs the extra ``app`` (Flask and waitress)."""
