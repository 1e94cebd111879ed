import { LSPPlugin } from '@codemirror/lsp-client';
import type { EditorView } from '@codemirror/view';
import type * as lsp from 'vscode-languageserver-protocol';

interface Span {
  from: number;
  to: number;
}

/**
 * The quick fixes of a place: the client library has none, so they are asked for here. `found` are the diagnostics that
 * are to be mended.
 */
export async function codeActions(view: EditorView, span: Span, found: lsp.Diagnostic[]): Promise<lsp.CodeAction[]> {
  const plugin = LSPPlugin.get(view);
  if (!plugin?.client.connected || !plugin.client.serverCapabilities?.codeActionProvider) return [];
  plugin.client.sync();
  const asked: lsp.CodeActionParams = {
    textDocument: { uri: plugin.uri },
    range: { start: plugin.toPosition(span.from), end: plugin.toPosition(span.to) },
    context: { diagnostics: found, only: ['quickfix'] },
  };
  try {
    const answer = await plugin.client.request<lsp.CodeActionParams, (lsp.CodeAction | lsp.Command)[] | null>(
      'textDocument/codeAction',
      asked,
    );
    return (answer ?? []).filter((action): action is lsp.CodeAction => 'edit' in action);
  } catch {
    // No answer, or a text that changed in between: the diagnostic stands without its fix until the next ones come.
    return [];
  }
}

/** Does what an action says to the text of the editor; the cursor comes to where it wrote. */
export function runAction(view: EditorView, action: lsp.CodeAction): void {
  const plugin = LSPPlugin.get(view);
  const edits = plugin ? (action.edit?.changes?.[plugin.uri] ?? []) : [];
  if (!plugin || edits.length === 0) return;
  const changes = edits.map((edit) => ({
    from: plugin.fromPosition(edit.range.start),
    to: plugin.fromPosition(edit.range.end),
    insert: edit.newText,
  }));
  const first = changes[0];
  const end = first ? first.from + first.insert.trimEnd().length : 0;
  view.dispatch({ changes, selection: { anchor: end }, scrollIntoView: true, userEvent: 'input.fix' });
  view.focus();
}
