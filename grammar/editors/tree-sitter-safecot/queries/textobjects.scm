; Helix: `]f` goes to the next rule, `maf` selects one; `t` is for what is declared with several parts, `c` for comments.
(rule) @function.around
(exception) @function.around
(row) @function.around
(rule (clause)+ @function.inside)
(exception (clause)+ @function.inside)
(table) @class.around
(taxonomy) @class.around
(criteria) @class.around
(facts) @class.around
(fact) @entry.around
(node) @entry.around
(example) @test.around
(property) @test.around
(law) @test.around
(comment) @comment.inside
(comment)+ @comment.around
