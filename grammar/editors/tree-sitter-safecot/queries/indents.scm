; One step deeper in braces and brackets. Neovim's names and Helix's stand side by side: each editor passes over the other's.
[
  (header)
  (facts)
  (bands)
  (taxonomy)
  (node)
  (phrases)
  (criteria)
  (proposition)
  (classes)
  (rule)
  (exception)
  (table)
  (row)
  (default)
  (unsure)
  (think)
  (answer)
  (example)
  (property)
  (law)
  (values)
  (names)
  (brackets)
  (at_least)
] @indent.begin @indent

[ "}" ")" ] @indent.end @indent.branch @outdent
(comment) @indent.ignore
