/**
 * @file The SafeCoT policy language for tree-sitter: what editors colour, fold and walk through.
 * @license Apache-2.0
 *
 * It follows grammar/safecot.lark rule by rule, and a test holds it against that. As there, a word is a keyword where
 * the parser can take that keyword, and else a name. Three things are laxer, since an editor shows a text before it is
 * finished: the header may be missing (pieces in Markdown), a text's slots are not looked into, and what the compiler
 * checks after parsing is not checked.
 */

/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

// The precedences of conditions, the weaker first.
const OR = 1;
const AND = 2;
const NOT = 3;

/** One or more, separated by commas, of which one may stand at the end too; each in the field, where one is named. */
const listed = (rule, named) => {
  const each = named ? field(named, rule) : rule;
  return seq(each, repeat(seq(",", each)), optional(","));
};
const block = (...rules) => seq("{", ...rules, "}");

module.exports = grammar({
  name: "safecot",

  word: ($) => $.name,

  // Words that are never names (`RESERVED` in safecot_dsl/compiler/syntax/tokens.py).
  reserved: {
    global: (_) => ["not", "and", "or", "at", "assume", "ask", "severity", "within", "empty", "unknown"],
  },

  extras: ($) => [/[ \t\r\n]+/, $.comment],

  supertypes: ($) => [$.declaration, $.clause, $.condition, $.type],

  rules: {
    source_file: ($) => seq(optional($.header), repeat($.declaration)),

    header: ($) =>
      seq(field("kind", choice("policy", "library")), field("name", $.name), block(repeat($.header_entry))),
    header_entry: ($) => seq(field("key", $.name), field("value", $.string)),

    declaration: ($) => choice($.import, $.extend, $.override, $._overriding),
    _overriding: ($) =>
      choice(
        $.param,
        $.facts,
        $.group,
        $.let,
        $.taxonomy,
        $.phrases,
        $.criteria,
        $.rule,
        $.exception,
        $.table,
        $.default,
        $.unsure,
        $.example,
        $.property,
        $.law,
      ),

    import: ($) => seq("import", field("path", alias($.qualified_name, $.path)), optional(seq("as", field("alias", $.name)))),
    extend: ($) => seq("extend", field("path", alias($.qualified_name, $.path))),
    override: ($) => seq("override", $._overriding),
    param: ($) => seq("param", field("name", $.name), "=", field("value", $.number)),
    facts: ($) => seq("facts", field("subject", choice("image", "query", "context")), block(repeat($.fact))),
    group: ($) =>
      seq(
        "group",
        field("name", $.name),
        optional(field("phrase", $.string)),
        repeat(choice($.says, $.none)),
        "=",
        field("members", $.names),
      ),
    let: ($) => seq("let", field("name", $.name), "=", field("value", $.condition)),
    taxonomy: ($) => seq("taxonomy", field("name", $.name), block(repeat($.node))),
    phrases: ($) => seq("phrases", field("name", $.name), block(repeat($.string))),
    criteria: ($) => seq("criteria", field("name", $.name), block(repeat(choice($.proposition, $.let, $.classes)))),
    rule: ($) => seq("rule", field("name", $.name), block(repeat($.clause))),
    exception: ($) =>
      seq("exception", field("name", $.name), "to", listed($.name, "to"), block(repeat($.clause))),
    default: ($) => seq("default", field("verdict", $.name), optional(block(repeat($._speech)))),
    unsure: ($) => seq("unsure", field("verdict", $.name), optional(block(repeat($._speech)))),
    example: ($) =>
      seq(
        "example",
        field("title", $.string),
        block(
          optional(seq("given", listed($.given))),
          "expect",
          field("verdict", $.name),
          optional(seq("by", listed($.name, "by"))),
        ),
      ),
    given: ($) => seq(field("fact", $.qualified_name), "=", field("value", $._value)),
    property: ($) =>
      seq(
        "property",
        field("title", $.string),
        block(
          optional(seq("given", field("given", $.condition))),
          "expect",
          optional("not"),
          field("verdict", $.name),
          repeat(seq("or", field("verdict", $.name))),
        ),
      ),
    law: ($) =>
      seq(
        "law",
        field("title", $.string),
        block(
          "change",
          field("fact", $.qualified_name),
          choice(
            seq("becomes", field("value", $.name)),
            seq("gains", field("value", choice($.names, $.qualified_name, "any"))),
            "rises",
            "falls",
          ),
          optional(seq("given", field("given", $.condition))),
          "expect",
          "never",
          choice("laxer", "stricter"),
        ),
      ),

    // Facts
    fact: ($) =>
      seq(
        field("name", $.name),
        ":",
        field("type", $.type),
        optional(seq("assume", field("assumed", $._value))),
        optional(field("description", $.string)),
        repeat(choice($.says, $.bands, $.denies, $.none, $.ask)),
      ),
    says: ($) => seq("says", $._texts),
    denies: ($) => seq("not", $._texts),
    none: ($) => seq("none", $._texts),
    ask: ($) => seq("ask", $.string),
    bands: ($) => seq("says", block(repeat($.band), $.last_band)),
    band: ($) => seq("below", $.number, $._texts),
    last_band: ($) => seq("else", $._texts),
    _texts: ($) => seq($.string, repeat(seq("|", $.string))),

    type: ($) => choice($.flag_type, $.one_of_type, $.set_type, $.score_type, $.number_type, $.text_type),
    flag_type: (_) => "flag",
    one_of_type: ($) => seq("one", "of", choice($.values, field("taxonomy", $.qualified_name))),
    set_type: ($) => seq("set", "of", $.values),
    score_type: (_) => "score",
    number_type: ($) => seq("number", field("from", $.number), "..", field("to", $.number)),
    text_type: (_) => "text",

    values: ($) => block(listed($.value)),
    value: ($) => seq(field("name", $.name), optional(field("phrase", $.string))),
    names: ($) => block(optional(listed($.name))),
    _value: ($) => choice($.name, $.number, $.string, $.names, $.unknown),
    unknown: (_) => "unknown",

    // Taxonomies
    node: ($) =>
      seq(
        field("name", $.name),
        optional(field("phrase", $.string)),
        optional($.severity),
        optional(block(repeat($.node))),
      ),
    severity: ($) => seq("severity", $.number),

    // Criteria
    proposition: ($) =>
      seq(
        "proposition",
        field("name", $.name),
        field("statement", $.string),
        block(repeat(choice($.yes, $.no, $.detect_phrases, $.detect_pattern))),
      ),
    yes: ($) => seq("yes", $.string),
    no: ($) => seq("no", $.string),
    detect_phrases: ($) => seq("detect", "any", "of", $.qualified_name),
    detect_pattern: ($) => seq("detect", "matches", $.pattern),
    classes: ($) =>
      seq("for", listed($.name, "verdict"), block(repeat($.class), "otherwise", field("otherwise", $.name))),
    class: ($) => seq("class", field("name", $.name), "when", field("when", $.condition)),

    // Rules
    clause: ($) =>
      choice($.title, $.hazard, $.when, $.unless, $.verdict, $.unsure_clause, $.require, $.think, $.answer),
    title: ($) => seq("title", $.string),
    hazard: ($) => seq("hazard", $.qualified_name),
    when: ($) => seq("when", $.condition),
    unless: ($) => seq("unless", $.condition),
    verdict: ($) => seq("verdict", $.name),
    unsure_clause: ($) => seq("unsure", field("verdict", $.name)),
    require: ($) => seq("require", $.condition),
    _speech: ($) => choice($.think, $.answer),
    think: ($) => seq("think", block(repeat($.step))),
    answer: ($) => seq("answer", block(repeat(choice($.say, $.offer)))),
    say: ($) => seq("say", $._utterance),
    offer: ($) => seq("offer", $._utterance),
    _utterance: ($) => choice($.string, seq("one", "of", field("phrases", $.qualified_name))),
    step: ($) =>
      seq(
        field("owner", choice("observe", "intent", "context", "risk", "contrast", "decide")),
        optional($.when),
        $._texts,
      ),

    // Tables
    table: ($) => seq("table", field("name", $.name), block(repeat(choice($.clause, $.columns, $.row)))),
    columns: ($) => seq("columns", listed($.qualified_name)),
    row: ($) =>
      seq(
        "row",
        field("name", $.name),
        ":",
        listed($.cell),
        "then",
        field("verdict", $.name),
        optional(block(repeat($.clause))),
      ),
    cell: ($) => choice("any", seq(optional("not"), $._test)),
    _test: ($) =>
      choice($.qualified_name, $.names, $.within_test, $.empty_test, $.string, $.pattern, $.range_test, $.compare_test),
    within_test: ($) => seq("within", $.qualified_name),
    empty_test: (_) => "empty",
    range_test: ($) => seq($._operand, "..", $._operand),
    compare_test: ($) => seq($._comparison, $._operand),

    // Conditions
    condition: ($) =>
      choice(
        $.or,
        $.and,
        $.not,
        $.brackets,
        $.at_least,
        $.qualified_name,
        $.is,
        $.within,
        $.empty,
        $.in,
        $.has,
        $.has_of,
        $.compare,
        $.between,
        $.contains,
        $.contains_any,
        $.matches,
      ),
    or: ($) => prec.left(OR, seq($.condition, "or", $.condition)),
    and: ($) => prec.left(AND, seq($.condition, "and", $.condition)),
    not: ($) => prec(NOT, seq("not", $.condition)),
    brackets: ($) => seq("(", $.condition, ")"),
    at_least: ($) => seq("at", "least", field("count", $.number), "of", "(", listed($.condition), ")"),
    is: ($) => seq($._subject, "is", optional("not"), field("value", $.name)),
    within: ($) => seq($._subject, "is", optional("not"), "within", field("node", $.qualified_name)),
    empty: ($) => seq($._subject, "is", optional("not"), "empty"),
    in: ($) => seq($._subject, optional("not"), "in", $._several),
    has: ($) => seq($._subject, "has", field("value", $.name)),
    has_of: ($) => seq($._subject, "has", field("quantity", choice("any", "all", "none")), "of", $._several),
    compare: ($) => seq($._subject, $._comparison, $._operand),
    between: ($) => seq($._subject, "between", $._operand, "and", $._operand),
    contains: ($) => seq($._subject, "contains", $.string),
    contains_any: ($) => seq($._subject, "contains", "any", "of", field("phrases", $.qualified_name)),
    matches: ($) => seq($._subject, "matches", $.pattern),
    _subject: ($) => field("fact", $.qualified_name),
    _several: ($) => choice($.names, field("group", $.qualified_name)),
    _comparison: ($) => field("operator", choice("<", "<=", ">", ">=")),
    _operand: ($) => choice($.number, $.qualified_name),

    qualified_name: ($) => seq($.name, repeat(seq(".", $.name))),

    // Words and literals. In a text, blanks and `#` are nothing but text.
    comment: (_) => token(seq("#", /[^\n]*/)),
    name: (_) => /[a-z][a-z0-9_]*/,
    number: (_) => /-?[0-9]+(\.[0-9]+)?/,
    pattern: (_) => token(/\/([^\\\/\n*]|\\[^\n])([^\\\/\n]|\\[^\n])*\/i?/),
    string: ($) => choice($._short_string, $._long_string),
    _short_string: ($) =>
      seq('"', repeat(choice(alias($._short_content, $.content), $.escape, $.slot)), token.immediate('"')),
    _long_string: ($) =>
      seq(
        '"""',
        repeat(choice(alias($._long_content, $.content), $.escape, $.slot)),
        alias(token.immediate(prec(2, '"""')), '"""'),
      ),
    // A brace that opens no slot is text, and so is a quotation mark in a long text.
    _short_content: (_) => token.immediate(prec(1, /[^"\\{\n]+|\{/)),
    _long_content: (_) => token.immediate(prec(1, /[^"\\{]+|\{|"/)),
    escape: (_) => token.immediate(prec(1, /\\["\\n]|\{\{/)),
    slot: (_) => token.immediate(prec(1, /\{ *[a-z][a-z0-9_]*([ .]+[a-z][a-z0-9_]*)* *\}/)),
  },
});
