import {
  findReferencesKeymap,
  formatKeymap,
  hoverTooltips,
  jumpToDefinitionKeymap,
  LSPClient,
  LSPPlugin,
  serverCompletion,
  signatureHelp,
  type Transport,
  Workspace,
  type WorkspaceFile,
} from '@codemirror/lsp-client';
import type { ChangeSet, Text } from '@codemirror/state';
import { type EditorView, keymap } from '@codemirror/view';
import DOMPurify from 'dompurify';
import { navigate } from 'wouter/use-browser-location';
import { create } from 'zustand';
import { addressHere } from '../../api/client';
import { useConnection } from '../../api/connection';
import { policyLink } from '../../parts/links';
import { say } from '../../shell/say';
import { useRoom } from '../store';
import { watch } from './alive';
import { diagnostics } from './diagnostics';
import { whenOpen } from './handle';

type Open = (path: string) => Promise<EditorView | null>;

class OpenFile implements WorkspaceFile {
  readonly languageId = 'safecot';

  constructor(
    readonly uri: string,
    public version: number,
    public doc: Text,
    readonly view: EditorView,
  ) {}

  getView() {
    return this.view;
  }
}

/** The one file of the editor, and how another is opened: a definition may stand elsewhere. */
class Folder extends Workspace {
  files: OpenFile[] = [];
  private readonly versions = new Map<string, number>();

  constructor(
    client: LSPClient,
    private readonly root: string,
    private readonly open: Open,
  ) {
    super(client);
  }

  private next(uri: string): number {
    const version = (this.versions.get(uri) ?? -1) + 1;
    this.versions.set(uri, version);
    return version;
  }

  syncFiles() {
    const updates: { file: OpenFile; prevDoc: Text; changes: ChangeSet }[] = [];
    for (const file of this.files) {
      const plugin = LSPPlugin.get(file.view);
      if (!plugin || plugin.unsyncedChanges.empty) continue;
      updates.push({ file, prevDoc: file.doc, changes: plugin.unsyncedChanges });
      file.doc = file.view.state.doc;
      file.version = this.next(file.uri);
      plugin.clear();
    }
    return updates;
  }

  openFile(uri: string, _language: string, view: EditorView) {
    this.files = this.files.filter((file) => file.uri !== uri);
    const file = new OpenFile(uri, this.next(uri), view.state.doc, view);
    this.files.push(file);
    this.client.didOpen(file);
  }

  closeFile(uri: string, view: EditorView) {
    const file = this.files.find((open) => open.uri === uri && open.view === view);
    if (!file) return;
    this.files = this.files.filter((open) => open !== file);
    this.client.didClose(uri);
  }

  override connected() {
    for (const file of this.files) {
      // What was typed while there was no connection is part of the text that is opened.
      LSPPlugin.get(file.view)?.clear();
      file.doc = file.view.state.doc;
      file.version = this.next(file.uri);
      this.client.didOpen(file);
    }
  }

  override async displayFile(uri: string): Promise<EditorView | null> {
    const path = pathOf(this.root, uri);
    if (path !== null) return this.open(path);
    const name = decodeURIComponent(uri.split('/').slice(-2).join('/'));
    say.note(`This stands in ${name}, a library that comes with safecotc: it is not part of this folder.`);
    return null;
  }
}

/** The path below the folder of a document's address, or null where it lies elsewhere. */
export function pathOf(root: string, uri: string): string | null {
  const start = root.endsWith('/') ? root : `${root}/`;
  return uri.startsWith(start) ? decodeURIComponent(uri.slice(start.length)) : null;
}

/** The address of a file for the language server. */
export function uriOf(root: string, path: string): string {
  const start = root.endsWith('/') ? root : `${root}/`;
  return start + path.split('/').map(encodeURIComponent).join('/');
}

/** What the server ends a connection with where it serves another folder than this page's. */
const OTHER_FOLDER = 4409;

/** Keeps the language server's connection: opens it anew, a little later each time, when it was lost. */
function connect(client: LSPClient, wait = 500): void {
  const socket = new WebSocket(`${window.location.origin.replace(/^http/, 'ws')}${addressHere('/language')}`);
  const handlers = new Set<(message: string) => void>();
  const transport: Transport = {
    send: (message) => {
      // While there is no connection a message has nobody to hear it; the text is sent whole at the next opening.
      if (socket.readyState === WebSocket.OPEN) socket.send(message);
    },
    subscribe: (handler) => handlers.add(handler),
    unsubscribe: (handler) => handlers.delete(handler),
  };
  let next = wait;
  const lost = () => {
    // A dead connection is not waited for: to close it by the protocol takes the browser minutes.
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    watched.stop();
    useLanguageUp.setState({ up: false });
    client.initializing.catch(() => undefined);
    client.disconnect();
    client.initializing.catch(() => undefined);
    setTimeout(() => connect(client, Math.min(next * 2, 8000)), next);
  };
  const watched = watch(socket, lost);
  socket.onopen = () => {
    watched.heard('');
    client.connect(transport);
    client.initializing.catch(() => undefined);
  };
  socket.onmessage = (event) => {
    if (typeof event.data !== 'string') return;
    // Not when it opens: a connection that another folder's studio ends is opened first.
    next = 500;
    useLanguageUp.setState({ up: true });
    if (watched.heard(event.data)) return;
    for (const handler of handlers) handler(event.data);
  };
  socket.onclose = (event) => {
    if (event.code === OTHER_FOLDER) useConnection.getState().set('other');
    lost();
  };
}

/** Whether the language server is connected. */
export const useLanguageUp = create<{ up: boolean }>(() => ({ up: true }));

let made: { root: string; client: LSPClient } | null = null;

/** The page's one client of the language server: it stays while other rooms are open. */
export function languageClient(root: string): LSPClient {
  if (made?.root === root) return made.client;
  const open = (path: string) => {
    navigate(policyLink({ path, case: useRoom.getState().case }));
    return whenOpen(path);
  };
  const client = new LSPClient({
    rootUri: root,
    // On a busy machine an answer that comes late is still wanted; one that is given up is an error of the page.
    timeout: 60_000,
    workspace: (made) => new Folder(made, root, open),
    // Hovers hold texts of policies: data, of which only plain layout is let through.
    sanitizeHTML: (html) => DOMPurify.sanitize(html, { ALLOWED_TAGS: ['p', 'pre', 'code', 'em', 'strong', 'ul', 'ol', 'li', 'br', 'hr', 'span', 'table', 'thead', 'tbody', 'tr', 'td', 'th'], ALLOWED_ATTR: ['class'] }),
    extensions: [
      diagnostics(),
      serverCompletion({ override: true }),
      hoverTooltips(),
      signatureHelp(),
      keymap.of([...formatKeymap, ...jumpToDefinitionKeymap, ...findReferencesKeymap]),
    ],
  });
  made = { root, client };
  connect(client);
  return client;
}
