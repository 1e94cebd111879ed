; Colours. No node has two captures, so that the order of patterns, which editors read differently, does not matter.

(comment) @comment
(string) @string
(escape) @string.escape
(slot) @string.special
(pattern) @string.regexp
(number) @constant.numeric

; Words that declare
[
  "policy" "library" "import" "as" "extend" "override" "param" "facts" "group" "let" "taxonomy" "phrases" "criteria"
  "proposition" "class" "for" "otherwise" "rule" "exception" "to" "table" "columns" "row" "default" "unsure" "example"
  "property" "law"
] @keyword

; Words of clauses
[
  "title" "hazard" "when" "unless" "verdict" "require" "think" "answer" "say" "offer" "then" "given" "expect" "by"
  "change" "becomes" "gains" "rises" "falls" "never" "laxer" "stricter" "detect" "yes" "no" "assume" "ask" "says"
  "below" "else" "severity"
] @keyword

; Words of conditions
[
  "and" "or" "not" "at" "least" "of" "in" "is" "has" "any" "all" "none" "within" "empty" "between" "contains" "matches"
] @keyword.operator

; Types, and words that are all of their node
[ (flag_type) (score_type) (text_type) "one" "set" "number" ] @type.builtin
(unknown) @constant.builtin
(empty_test) @keyword.operator

; The three that facts are about, and the steps of reasoning
(facts subject: _ @variable.builtin)
(step owner: _ @label)

; What is declared
(header name: (name) @module)
(header_entry key: (name) @property)
(path (name) @module)
(import alias: (name) @module)
(param name: (name) @constant)
(fact name: (name) @property)
(value name: (name) @constant)
(names (name) @constant)
(group name: (name) @type)
(let name: (name) @constant)
(taxonomy name: (name) @type)
(node name: (name) @constant)
(phrases name: (name) @type)
(criteria name: (name) @type)
(proposition name: (name) @property)
(class name: (name) @type)
(rule name: (name) @function)
(exception name: (name) @function)
(table name: (name) @function)
(row name: (name) @function)

; Verdicts
(default verdict: (name) @constant.builtin)
(unsure verdict: (name) @constant.builtin)
(unsure_clause verdict: (name) @constant.builtin)
(verdict (name) @constant.builtin)
(row verdict: (name) @constant.builtin)
(example verdict: (name) @constant.builtin)
(property verdict: (name) @constant.builtin)
(classes verdict: (name) @constant.builtin)

; What is spoken of
((qualified_name . (name) @variable.builtin)
  (#match? @variable.builtin "^(image|query|context)$"))
((qualified_name . (name) @variable)
  (#not-match? @variable "^(image|query|context)$"))
(qualified_name (name) (name) @property)
(is value: (name) @constant)
(has value: (name) @constant)
(given value: (name) @constant)
(law value: (name) @constant)
(fact assumed: (name) @constant)
(exception to: (name) @function)
(example by: (name) @function)
(classes otherwise: (name) @type)

[ "<" "<=" ">" ">=" "=" "|" ".." ] @operator
[ "{" "}" "(" ")" ] @punctuation.bracket
[ "," "." ":" ] @punctuation.delimiter
