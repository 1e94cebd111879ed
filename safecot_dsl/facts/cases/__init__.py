"""Cases as people have them: the one way from a file, a row or a cell to a policy's facts.

:func:`safecot_dsl.facts.cases.file.open_cases` opens a file of cases for `decide`; data sources, and with them
`generate`, `agree` and `annotate`, open their files by the same :mod:`safecot_dsl.facts.tables`. Both match columns by
:mod:`safecot_dsl.facts.cases.columns`, and read what stands in a cell by :mod:`safecot_dsl.facts.cases.cells`.
"""
