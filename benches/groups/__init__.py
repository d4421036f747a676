"""One file a group of rows: a TITLE, and `rows(bench)` that measures them."""
