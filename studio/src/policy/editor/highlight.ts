import { HighlightStyle, indentService, LanguageSupport, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { Tag, tags } from '@lezer/highlight';

/**
 * Colours by what stands next to a word, line by line: they are there before the language server has answered, and for
 * texts with faults as well. The lists are those of `safecot_dsl/highlighting.py`.
 */
const set = (words: string) => new Set(words.split(' '));
const DECLARING = set(
  'policy library import as param facts group let taxonomy phrases criteria rule exception to table columns row default ' +
    'unsure example property law extend override proposition class for otherwise',
);
const CLAUSES = set(
  'title hazard when unless verdict require think answer say offer then given expect by change never laxer stricter ' +
    'becomes gains rises falls detect assume ask says below else severity',
);
const OPERATORS = set('and or not at least of in is has any all none within empty between contains matches');
const TYPES = set('flag one set score number text');
const SUBJECTS = set('image query context observe intent risk contrast decide');
const CONSTANTS = set('yes no unknown');
const VERDICTS = set('comply warn clarify redirect refuse');
const NAMING = set('rule exception table row group let param taxonomy phrases criteria class proposition policy library');

const declaring = Tag.define();
const definition = Tag.define();
const subject = Tag.define();
const verdicts = { comply: Tag.define(), warn: Tag.define(), clarify: Tag.define(), redirect: Tag.define(), refuse: Tag.define() };

interface Reading {
  /** The word before, which says whether a name is being given. */
  before: string;
  /** Inside a text of three quotes. */
  long: boolean;
}

const language = StreamLanguage.define<Reading>({
  name: 'safecot',
  tokenTable: { declaring, definition, subject, ...verdicts },
  startState: () => ({ before: '', long: false }),
  languageData: {
    commentTokens: { line: '#' },
    closeBrackets: { brackets: ['(', '{', '"'] },
    indentOnInput: /^\s*\}$/,
  },
  token(stream, state) {
    if (state.long) {
      if (stream.skipTo('"""')) {
        stream.match('"""');
        state.long = false;
      } else stream.skipToEnd();
      return 'string';
    }
    if (stream.eatSpace()) return null;
    if (stream.peek() === '#') {
      stream.skipToEnd();
      return 'comment';
    }
    if (stream.match('"""')) {
      state.long = true;
      return 'string';
    }
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return 'string';
    if (stream.match(/^\/(?:[^\\/\n]|\\.)+\/i?/)) return 'regexp';
    if (stream.match(/^-?\d+(?:\.\d+)?/)) return 'number';
    const before = state.before;
    const word = stream.match(/^[A-Za-z_]\w*/);
    if (Array.isArray(word)) {
      state.before = word[0];
      if (before === '.') return 'propertyName';
      return kindOf(word[0], before, stream.string.slice(stream.pos));
    }
    const sign = stream.next() ?? '';
    state.before = sign;
    if ('<>=|'.includes(sign)) return 'operator';
    return '{}(),.:'.includes(sign) ? 'punctuation' : null;
  },
});

function kindOf(word: string, before: string, after: string): string {
  if (NAMING.has(before)) return 'definition';
  if ((before === 'is' || before === 'has') && !OPERATORS.has(word)) return 'atom';
  if (/^\s*:/.test(after)) return 'definition';
  if (/^\s*\./.test(after) && SUBJECTS.has(word)) return 'subject';
  if (VERDICTS.has(word)) return word;
  if (DECLARING.has(word)) return 'declaring';
  if (CLAUSES.has(word)) return 'keyword';
  if (OPERATORS.has(word)) return 'operatorKeyword';
  if (TYPES.has(word)) return 'typeName';
  if (SUBJECTS.has(word)) return 'subject';
  if (CONSTANTS.has(word)) return 'atom';
  return 'variableName';
}

/** The colours are CSS variables of the page, which hold AA on the editor's ground in both schemes. */
const style = HighlightStyle.define([
  { tag: declaring, color: 'var(--code-declaring)', fontWeight: '600' },
  { tag: definition, color: 'var(--code-name)', fontWeight: '600' },
  { tag: tags.keyword, color: 'var(--code-clause)' },
  { tag: tags.operatorKeyword, color: 'var(--code-operator)' },
  { tag: tags.operator, color: 'var(--code-operator)' },
  { tag: tags.typeName, color: 'var(--code-type)' },
  { tag: subject, color: 'var(--code-subject)' },
  { tag: tags.propertyName, color: 'var(--code-subject)' },
  { tag: tags.atom, color: 'var(--code-value)' },
  { tag: tags.number, color: 'var(--code-value)' },
  { tag: tags.string, color: 'var(--code-text)' },
  { tag: tags.regexp, color: 'var(--code-value)' },
  { tag: tags.comment, color: 'var(--mantine-color-dimmed)', fontStyle: 'italic' },
  { tag: tags.punctuation, color: 'var(--mantine-color-dimmed)' },
  ...Object.entries(verdicts).map(([name, tag]) => ({ tag, color: `var(--${name})`, fontWeight: '600' })),
]);

/** A line begins where the one before it does: one step further in after an open brace, one less for its closing. */
const indentation = indentService.of((context, pos) => {
  const before = context.state.doc.lineAt(Math.max(0, context.lineAt(pos, -1).from - 1));
  const opened = /\{\s*(#.*)?$/.test(before.text) ? context.unit : 0;
  const closes = /^\s*\}/.test(context.lineAt(pos, 1).text) ? context.unit : 0;
  return Math.max(0, context.lineIndent(before.from, 1) + opened - closes);
});

/** The policy language in the editor: colours, comments, brackets, indentation. */
export const safecot = () => new LanguageSupport(language, [syntaxHighlighting(style), indentation]);
