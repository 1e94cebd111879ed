"""The Rows room's server: the rows of a run, and what people say of them."""
