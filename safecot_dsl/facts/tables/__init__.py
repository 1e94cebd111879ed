"""Tables in files: JSON, CSV, Parquet, Arrow and folders of pictures, in folders and archives, with limits on it all.

The door is :func:`safecot_dsl.facts.tables.opening.open_part`; what it opens is a
:class:`safecot_dsl.facts.tables.file.TableFile`.
"""
