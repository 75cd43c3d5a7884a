"""The station: from a trigger to an answer. Import its modules; the page must not load the threads."""
