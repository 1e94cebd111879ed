import type { FileText } from '../api/types';

/**
 * Unsaved changes, kept in this browser until they are saved or thrown away, so that a reload, a crash or a server that
 * was stopped loses nothing. `digest` and `base` are the file's as it was when the changes began. `folder` is the folder's
 * whole address: studios of other folders keep theirs in the same browser, and folders share names.
 */
export interface Draft {
  text: string;
  base: string;
  digest: string;
  at: string;
}

const key = (folder: string, path: string) => `studio:draft:${folder}:${path}`;

export function readDraft(folder: string, path: string): Draft | null {
  try {
    const held: unknown = JSON.parse(localStorage.getItem(key(folder, path)) ?? 'null');
    if (typeof held !== 'object' || held === null) return null;
    const { text, base, digest, at } = held as Record<string, unknown>;
    const whole = typeof text === 'string' && typeof base === 'string' && typeof digest === 'string';
    return whole ? { text, base, digest, at: typeof at === 'string' ? at : '' } : null;
  } catch {
    return null;
  }
}

/** Keeps a draft; false where the browser has no room for it, which the page then says. */
export function keepDraft(folder: string, path: string, text: string, file: Pick<FileText, 'text' | 'digest'>): boolean {
  try {
    if (text === file.text) {
      dropDraft(folder, path);
    } else {
      const draft: Draft = { text, base: file.text, digest: file.digest, at: new Date().toISOString() };
      localStorage.setItem(key(folder, path), JSON.stringify(draft));
    }
    return true;
  } catch {
    return false;
  }
}

export function dropDraft(folder: string, path: string): void {
  localStorage.removeItem(key(folder, path));
}

/** Calls back when another tab keeps or drops a draft of this file; answers how to stop listening. */
export function onOtherTab(folder: string, path: string, say: (text: string | null) => void): () => void {
  const listen = (event: StorageEvent) => {
    if (event.key === key(folder, path)) say(readDraft(folder, path)?.text ?? null);
  };
  window.addEventListener('storage', listen);
  return () => window.removeEventListener('storage', listen);
}

/** The paths of a folder's files that have unsaved changes. */
export function draftedPaths(folder: string): string[] {
  const start = key(folder, '');
  return Object.keys(localStorage)
    .filter((name) => name.startsWith(start))
    .map((name) => name.slice(start.length));
}
