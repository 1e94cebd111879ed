import { LSPPlugin } from '@codemirror/lsp-client';
import { EditorView, showDialog } from '@codemirror/view';
import type * as lsp from 'vscode-languageserver-protocol';
import { sentenceOf, say } from '../../shell/say';

/** What a rename writes into a file that is not open in the editor. */
export interface FileEdits {
  uri: string;
  edits: lsp.TextEdit[];
}

/**
 * Asks for a new name of what is under the cursor. The client library's own command leaves out files that are not open;
 * `others` takes the edits of those.
 */
export function rename(others: (files: FileEdits[]) => Promise<void>) {
  return (view: EditorView): boolean => {
    const plugin = LSPPlugin.get(view);
    const word = view.state.wordAt(view.state.selection.main.head);
    if (!plugin?.client.connected || !word) return false;
    const { close, result } = showDialog(view, {
      label: 'New name',
      input: { name: 'name', value: view.state.sliceDoc(word.from, word.to), 'aria-label': 'New name' },
      focus: true,
      submitLabel: 'Rename',
    });
    void result.then((form) => {
      view.dispatch({ effects: close });
      const input = form?.elements.namedItem('name');
      if (input instanceof HTMLInputElement && input.value) void write(view, plugin, word.from, input.value, others);
      view.focus();
    });
    return true;
  };
}

async function write(
  view: EditorView,
  plugin: LSPPlugin,
  at: number,
  newName: string,
  others: (files: FileEdits[]) => Promise<void>,
): Promise<void> {
  plugin.client.sync();
  const doc = view.state.doc;
  try {
    const answer = await plugin.client.request<lsp.RenameParams, lsp.WorkspaceEdit | null>('textDocument/rename', {
      newName,
      position: plugin.toPosition(at),
      textDocument: { uri: plugin.uri },
    });
    const changes = answer?.changes ?? {};
    if (!view.state.doc.eq(doc)) {
      say.note('The text changed before the new name came: rename once more.');
      return;
    }
    const own = changes[plugin.uri] ?? [];
    view.dispatch({
      changes: own.map((edit) => ({
        from: plugin.fromPosition(edit.range.start),
        to: plugin.fromPosition(edit.range.end),
        insert: edit.newText,
      })),
      userEvent: 'rename',
    });
    const rest = Object.entries(changes).filter(([uri]) => uri !== plugin.uri);
    if (rest.length > 0) await others(rest.map(([uri, edits]) => ({ uri, edits })));
  } catch (error) {
    say.wrong(new Error(sentenceOf(error) || 'This cannot be renamed.'));
  }
}
