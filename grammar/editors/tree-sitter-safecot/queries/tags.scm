; What a policy declares, and where its rules are named: symbols of a project (`tree-sitter tags`, GitHub).
(header name: (name) @name) @definition.module
(param name: (name) @name) @definition.constant
(fact name: (name) @name) @definition.field
(group name: (name) @name) @definition.type
(let name: (name) @name) @definition.constant
(taxonomy name: (name) @name) @definition.type
(phrases name: (name) @name) @definition.type
(criteria name: (name) @name) @definition.class
(proposition name: (name) @name) @definition.field
(rule name: (name) @name) @definition.function
(exception name: (name) @name) @definition.function
(table name: (name) @name) @definition.class
(row name: (name) @name) @definition.function

(exception to: (name) @name) @reference.call
(example by: (name) @name) @reference.call
