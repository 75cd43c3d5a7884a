"""The stream of parts as it is watched: from a record, a table or a station to what is raised."""
