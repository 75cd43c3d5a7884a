"""What is read from the record: summaries, lists, exports, reports."""
