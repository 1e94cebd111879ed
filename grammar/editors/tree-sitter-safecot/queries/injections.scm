; Patterns are regular expressions.
((pattern) @injection.content
  (#set! injection.language "regex"))
((comment) @injection.content
  (#set! injection.language "comment"))
