; Names within one file: all of them are known in the whole of it. What a `criteria` declares is its own.
(source_file) @local.scope
(criteria) @local.scope

(import alias: (name) @local.definition)
(param name: (name) @local.definition)
(let name: (name) @local.definition)
(group name: (name) @local.definition)
(taxonomy name: (name) @local.definition)
(phrases name: (name) @local.definition)
(rule name: (name) @local.definition)
(exception name: (name) @local.definition)
(row name: (name) @local.definition)

(qualified_name . (name) @local.reference)
(exception to: (name) @local.reference)
(example by: (name) @local.reference)
