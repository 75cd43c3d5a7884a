"""Picture files: which are whole, what their headers say, and their pixels."""
