"""Items are put to a model or an endpoint, and every raw answer is kept in a folder."""
