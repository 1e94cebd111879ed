import { type Action, type Diagnostic, forEachDiagnostic, openLintPanel, setDiagnostics } from '@codemirror/lint';
import { type LSPClientExtension, LSPPlugin } from '@codemirror/lsp-client';
import { type Command, type EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view';
import type * as lsp from 'vscode-languageserver-protocol';
import { piecesOf } from '../../parts/words';
import { codeActions, runAction } from './actions';

const SEVERITY = ['error', 'error', 'warning', 'info', 'hint'] as const;
/** How long the text must rest before the language server hears of it, in milliseconds. */
const REST = 90;
/** Of how many diagnostics quick fixes are asked for at once. */
const WITH_FIXES = 40;

const sync = ViewPlugin.fromClass(
  class {
    private pending: ReturnType<typeof setTimeout> | undefined;

    update(update: ViewUpdate) {
      if (!update.docChanged) return;
      clearTimeout(this.pending);
      this.pending = setTimeout(() => LSPPlugin.get(update.view)?.client.sync(), REST);
    }

    destroy() {
      clearTimeout(this.pending);
    }
  },
);

/**
 * What the language server found, in the editor: as `serverDiagnostics` of the client library has it, but with the code,
 * with a button for each quick fix, and within the time of one glance.
 */
export function diagnostics(): LSPClientExtension {
  return {
    clientCapabilities: {
      textDocument: {
        publishDiagnostics: { versionSupport: true, codeDescriptionSupport: true },
        codeAction: {
          codeActionLiteralSupport: { codeActionKind: { valueSet: ['quickfix'] } },
          isPreferredSupport: true,
        },
      },
    },
    notificationHandlers: {
      'textDocument/publishDiagnostics': (client, params: lsp.PublishDiagnosticsParams) => {
        const file = client.workspace.getFile(params.uri);
        if (!file || (params.version != null && params.version !== file.version)) return true;
        const view = file.getView();
        const plugin = view && LSPPlugin.get(view);
        if (!view || !plugin) return true;
        const at = (place: lsp.Position) => plugin.unsyncedChanges.mapPos(plugin.fromPosition(place, plugin.syncedDoc));
        const shown = params.diagnostics.map((item): Diagnostic => {
          const message = typeof item.message === 'string' ? item.message : item.message.value;
          return {
            from: at(item.range.start),
            to: Math.max(at(item.range.start), at(item.range.end)),
            severity: SEVERITY[item.severity ?? 1],
            message,
            renderMessage: () => proseOf(message),
            source: String(item.code ?? ''),
          };
        });
        view.dispatch(setDiagnostics(view.state, shown));
        void withFixes(view, params.diagnostics, shown);
        return true;
      },
    },
    editorExtension: sync,
  };
}

/** A message as the rest of the page shows a sentence: what stands between backticks is code. */
function proseOf(message: string): Node {
  const shown = document.createElement('span');
  for (const { text, code } of piecesOf(message)) {
    const piece = code ? shown.appendChild(document.createElement('code')) : shown;
    piece.append(text);
  }
  return shown;
}

/** Asks for the quick fixes of what was found, and shows them with it once they are there. */
async function withFixes(view: EditorView, found: lsp.Diagnostic[], shown: Diagnostic[]): Promise<void> {
  const doc = view.state.doc;
  const actions = await Promise.all(
    found.slice(0, WITH_FIXES).map(async (item, index): Promise<Action[]> => {
      const span = shown[index];
      const offered = span ? await codeActions(view, span, [item]) : [];
      return offered
        .filter((action) => action.diagnostics?.some(({ code }) => code === item.code))
        .map((action) => ({
          name: action.title.charAt(0).toUpperCase() + action.title.slice(1),
          // The places of an edit are those of the text it was made for.
          apply: (target) => target.state.doc.eq(doc) && runAction(target, action),
        }));
    }),
  );
  if (!view.state.doc.eq(doc) || actions.every((list) => list.length === 0)) return;
  view.dispatch(setDiagnostics(view.state, shown.map((item, index) => ({ ...item, actions: actions[index] ?? [] }))));
}

/** Does the one quick fix of the line that the cursor is on; where there are several, the list of findings opens. */
export const fixHere: Command = (view) => {
  const line = view.state.doc.lineAt(view.state.selection.main.head);
  const actions: { action: Action; from: number; to: number }[] = [];
  forEachDiagnostic(view.state, (item, from, to) => {
    if (from <= line.to && to >= line.from) for (const action of item.actions ?? []) actions.push({ action, from, to });
  });
  const only = actions.length === 1 ? actions[0] : undefined;
  if (only) only.action.apply(view, only.from, only.to);
  else if (actions.length > 1) openLintPanel(view);
  return actions.length > 0;
};
