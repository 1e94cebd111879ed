import type { ChangeSpec } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import type { TextEdit } from '../../api/types';

/** The editor that is on the page, for what stands beside it: to go to a line of it, or to write into it. */
let current: { path: string; view: EditorView } | null = null;
let waiting: { path: string; come: (view: EditorView) => void }[] = [];

export function mounted(path: string, view: EditorView): () => void {
  current = { path, view };
  for (const wait of waiting.filter((one) => one.path === path)) wait.come(view);
  waiting = waiting.filter((one) => one.path !== path);
  return () => {
    if (current?.view === view) current = null;
  };
}

export const editorOf = (path: string): EditorView | null => (current?.path === path ? current.view : null);

/** The editor of a file, at once or when it is there; null after five seconds, where the file did not open. */
export function whenOpen(path: string): Promise<EditorView | null> {
  const there = editorOf(path);
  if (there) return Promise.resolve(there);
  return new Promise((come) => {
    waiting.push({ path, come });
    setTimeout(() => come(null), 5000);
  });
}

/** Puts the cursor on a line, counted from 1, in the middle of the view. */
export function goToLine(view: EditorView, line: number, focus = true): void {
  const { doc } = view.state;
  const { from, text } = doc.line(Math.min(Math.max(1, line), doc.lines));
  const anchor = from + (text.length - text.trimStart().length);
  view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) });
  if (focus) view.focus();
}

/** Writes a whole new text as the smallest change, so that the cursor and the undo history stay what they were. */
export function replaceText(view: EditorView, text: string): void {
  const old = view.state.doc.toString();
  if (old === text) return;
  let from = 0;
  const least = Math.min(old.length, text.length);
  while (from < least && old.charCodeAt(from) === text.charCodeAt(from)) from++;
  let end = 0;
  while (end < least - from && old.charCodeAt(old.length - 1 - end) === text.charCodeAt(text.length - 1 - end)) end++;
  view.dispatch({ changes: { from, to: old.length - end, insert: text.slice(from, text.length - end) }, userEvent: 'input' });
}

/** Writes the edits of a fix: positions count from 0, characters in UTF-16 code units. */
export function applyEdits(view: EditorView, edits: readonly TextEdit[]): void {
  const { doc } = view.state;
  const at = (line: number, character: number) => {
    if (line >= doc.lines) return doc.length;
    const { from, to } = doc.line(line + 1);
    return Math.min(from + character, to);
  };
  const changes: ChangeSpec[] = edits.map((edit) => ({
    from: at(edit.start_line, edit.start_character),
    to: at(edit.end_line, edit.end_character),
    insert: edit.text,
  }));
  view.dispatch({ changes, scrollIntoView: true, userEvent: 'input.fix' });
  view.focus();
}

/** A text with the edits of a language server written into it: of a file that is not in the editor. */
export function editedText(text: string, edits: readonly TextEdit[]): string {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const at = (line: number, character: number) => Math.min((starts[line] ?? text.length) + character, text.length);
  return [...edits]
    .map((edit) => ({ from: at(edit.start_line, edit.start_character), to: at(edit.end_line, edit.end_character), text: edit.text }))
    .sort((one, other) => other.from - one.from)
    .reduce((whole, edit) => whole.slice(0, edit.from) + edit.text + whole.slice(edit.to), text);
}
