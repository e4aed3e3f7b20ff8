"""What content is: spaces, content types, fields, the stored form, documents, queries as trees. Pure: no I/O."""
