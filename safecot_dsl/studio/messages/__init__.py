"""What the page and the server say to each other: one pydantic model a message. The page's types are made of them."""
