import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from '@codemirror/language';
import { lintGutter, lintKeymap } from '@codemirror/lint';
import type { LSPClient } from '@codemirror/lsp-client';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { useEffect, useRef } from 'react';
import type { CoveredLine } from '../../api/types';
import { nonce } from '../../shell/nonce';
import { useRoom } from '../store';
import { uriOf } from './client';
import { fixHere } from './diagnostics';
import { mounted } from './handle';
import { safecot } from './highlight';
import { look } from './look';
import { lightLine, margin, showCoverage } from './margin';
import { type FileEdits, rename } from './rename';

interface EditorProps {
  client: LSPClient;
  root: string;
  path: string;
  writable: boolean;
  /** Whether the language server is to know the file. */
  policy: boolean;
  coverage: CoveredLine[];
  save: () => void;
  /** Takes what a rename writes into files that are not open. */
  editOthers: (files: FileEdits[]) => Promise<void>;
}

/** The editor of one file; its first text is the room's, which follows every change. */
export function Editor({ client, root, path, writable, policy, coverage, save, editOthers }: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const calls = useRef({ save, editOthers });
  const lit = useRoom((room) => room.lit);

  useEffect(() => {
    calls.current = { save, editOthers };
  }, [save, editOthers]);

  useEffect(() => {
    if (!place.current) return undefined;
    const { text, changed, light } = useRoom.getState();
    const language = new Compartment();
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          EditorView.cspNonce.of(nonce),
          basics(),
          EditorState.readOnly.of(!writable),
          // On a narrow page lines are broken: nobody scrolls sideways with a thumb.
          window.matchMedia('(max-width: 999px)').matches ? EditorView.lineWrapping : [],
          EditorView.contentAttributes.of({ 'aria-label': `Text of ${path}`, tabindex: '0' }),
          policy ? [safecot(), language.of(client.plugin(uriOf(root, path), 'safecot')), margin()] : [],
          keymap.of([
            { key: 'Mod-s', preventDefault: true, run: () => (calls.current.save(), true) },
            { key: 'Mod-.', run: fixHere },
            { key: 'F2', run: rename((files) => calls.current.editOthers(files)) },
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed(update.state.doc.toString());
            if (update.selectionSet && update.view.hasFocus) {
              light({ path, line: update.state.doc.lineAt(update.state.selection.main.head).number, from: 'text' });
            }
          }),
          EditorView.domEventHandlers({
            mousemove(event, on) {
              const at = on.posAtCoords({ x: event.clientX, y: event.clientY });
              light(at === null ? null : { path, line: on.state.doc.lineAt(at).number, from: 'text' });
            },
            mouseleave: () => light(null),
          }),
        ],
      }),
    });
    view.current = made;
    const gone = mounted(path, made);
    return () => {
      gone();
      view.current = null;
      made.destroy();
    };
  }, [client, root, path, writable, policy]);

  useEffect(() => {
    const line = lit?.path === path && lit.from === 'beside' ? lit.line : null;
    view.current?.dispatch({ effects: lightLine.of(line) });
  }, [lit, path]);

  useEffect(() => {
    view.current?.dispatch({ effects: showCoverage.of(coverage) });
  }, [coverage, path]);

  return <div ref={place} style={{ height: '100%', minWidth: 0 }} />;
}

function basics(): Extension {
  return [
    lineNumbers(),
    lintGutter(),
    foldGutter(),
    highlightSpecialChars(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    autocompletion(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches(),
    look,
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...completionKeymap,
      ...lintKeymap,
      // Escape and then Tab leaves the editor, for who has no pointer.
      indentWithTab,
    ]),
  ];
}
