"""The same question asked of a pretrained language model: a base that sees the miniature's drawings, and its study."""
