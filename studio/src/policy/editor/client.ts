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
import { BASE } from '../../api/client';
import { say } from '../../shell/say';
import { diagnostics } from './diagnostics';

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

/** Keeps the language server's connection: opens it anew, a little later each time, when it was lost. */
class Connection {
  private handlers = new Set<(message: string) => void>();
  private wait = 500;
  private ended = false;
  private socket: WebSocket | null = null;

  constructor(
    private readonly client: LSPClient,
    private readonly told: (up: boolean) => void,
  ) {
    this.open();
  }

  private open() {
    const socket = new WebSocket(`${window.location.origin.replace(/^http/, 'ws')}${BASE}/language`);
    this.socket = socket;
    const transport: Transport = {
      send: (message) => {
        // While there is no connection a message has nobody to hear it; the text is sent whole at the next opening.
        if (socket.readyState === WebSocket.OPEN) socket.send(message);
      },
      subscribe: (handler) => this.handlers.add(handler),
      unsubscribe: (handler) => this.handlers.delete(handler),
    };
    socket.onopen = () => {
      this.wait = 500;
      this.told(true);
      this.client.connect(transport);
      this.client.initializing.catch(() => undefined);
    };
    socket.onmessage = (event) => {
      if (typeof event.data === 'string') for (const handler of this.handlers) handler(event.data);
    };
    socket.onclose = () => {
      this.told(false);
      this.client.disconnect();
      this.client.initializing.catch(() => undefined);
      if (this.ended) return;
      setTimeout(() => !this.ended && this.open(), this.wait);
      this.wait = Math.min(this.wait * 2, 8000);
    };
  }

  end() {
    this.ended = true;
    this.socket?.close();
  }
}

/** The page's client of the language server; `open` shows a file and answers with its editor. */
export function languageClient(root: string, open: Open, told: (up: boolean) => void) {
  const client = new LSPClient({
    rootUri: root,
    timeout: 10_000,
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
  const connection = new Connection(client, told);
  return { client, end: () => connection.end() };
}
