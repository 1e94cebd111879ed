import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import { api } from '../api/calls';
import { ApiError } from '../api/client';
import { sentenceOf, say } from '../shell/say';
import { dropDraft, keepDraft, onOtherTab, readDraft } from './drafts';
import { editorOf, replaceText } from './editor/handle';
import { useRoom } from './store';

export type Conflict = NonNullable<ReturnType<typeof useRoom.getState>['conflict']>;

const setConflict = (conflict: Conflict | null) => useRoom.setState({ conflict });
/** What was read where there is no file: saving then writes one. */
const NO_FILE = { text: '', digest: '' };

const setRestored = (restored: string | null) => useRoom.setState({ restored });

/**
 * The open file: reads it, brings back unsaved changes, saves with the digest of what was read, and says when the file
 * was changed from elsewhere. No text is ever lost: a draft stays in the browser until it is saved or thrown away.
 */
export function useFile(folder: string, path: string) {
  const queries = useQueryClient();
  const conflict = useRoom((room) => room.conflict);
  const restored = useRoom((room) => room.restored);
  const [kept, setKept] = useState(true);
  const [otherTab, setOtherTab] = useState(false);
  const file = useQuery({
    queryKey: ['file', path],
    queryFn: ({ signal }) => api.file(path, signal),
    staleTime: 0,
    refetchOnWindowFocus: 'always',
  });
  const read = file.data;
  const gone = file.error instanceof ApiError && file.error.code === 'not_found';

  useEffect(() => {
    // The file was removed while it had unsaved changes: they are opened, to be saved as the file anew.
    const draft = gone ? readDraft(folder, path) : null;
    if (!draft || useRoom.getState().path === path) return;
    useRoom.getState().opened(path, draft.text, NO_FILE);
    setRestored(draft.at);
  }, [gone, folder, path]);

  useEffect(() => {
    if (!read) return;
    const room = useRoom.getState();
    if (room.path !== path || room.saved === null) {
      const draft = readDraft(folder, path);
      if (!draft || draft.text === read.text) {
        dropDraft(folder, path);
        room.opened(path, read.text, read);
        return;
      }
      room.opened(path, draft.text, { text: draft.base, digest: draft.digest });
      setRestored(draft.at);
      if (draft.digest !== read.digest) setConflict({ text: read.text, digest: read.digest });
      return;
    }
    if (read.digest === room.saved.digest) return;
    if (room.text !== room.saved.text) {
      setConflict({ text: read.text, digest: read.digest });
      return;
    }
    const editor = editorOf(path);
    room.wasSaved(read.text, read.digest);
    if (editor) replaceText(editor, read.text);
    say.note(`${path} was changed from elsewhere: this is the new text.`);
  }, [read, folder, path]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const keep = () => {
      const { path: now, text, saved } = useRoom.getState();
      if (now === path && saved) setKept(keepDraft(folder, path, text, saved));
    };
    const stop = useRoom.subscribe((room, before) => {
      if (room.text === before.text && room.saved === before.saved) return;
      clearTimeout(timer);
      timer = setTimeout(keep, 200);
    });
    window.addEventListener('pagehide', keep);
    return () => {
      stop();
      clearTimeout(timer);
      window.removeEventListener('pagehide', keep);
      keep();
    };
  }, [folder, path]);

  useEffect(() => onOtherTab(folder, path, (text) => setOtherTab(text !== null && text !== useRoom.getState().text)), [folder, path]);

  const saving = useMutation({
    meta: { silent: true },
    mutationFn: async (over: Conflict | null) => {
      const { text, saved } = useRoom.getState();
      // Of a file that is gone the digest is empty: it is saved over what was last known of it.
      const digest = [over?.digest, saved?.digest].find((each) => each !== undefined && each !== '') ?? null;
      return { text, digest: (await api.save(path, text, digest)).digest };
    },
    onSuccess: ({ text, digest }) => {
      useRoom.getState().wasSaved(text, digest);
      queries.setQueryData(['file', path], (old: object | undefined) => ({ ...old, path, text, digest }));
      setConflict(null);
      setRestored(null);
      void queries.invalidateQueries({ queryKey: ['files'] });
      void queries.invalidateQueries({ queryKey: ['revisions', path] });
      say.done('Saved');
    },
    onError: (error) => {
      if (error instanceof ApiError && error.code === 'changed' && typeof error.body.text === 'string') {
        setConflict({ text: error.body.text, digest: typeof error.body.digest === 'string' ? error.body.digest : '' });
      } else if (error instanceof ApiError && error.code === 'changed') {
        useRoom.getState().wasSaved(NO_FILE.text, NO_FILE.digest);
        say.wrong(error);
      } else {
        say.wrong(new Error(`${sentenceOf(error)} Your text is kept in this browser.`));
      }
    },
  });

  /** Takes the text of the file for the one that the changes began from; `text` is what the editor holds then. */
  const settle = useCallback(
    (with_: Conflict, text: string) => {
      useRoom.getState().wasSaved(with_.text, with_.digest);
      const editor = editorOf(path);
      if (editor) replaceText(editor, text);
      setConflict(null);
    },
    [path],
  );

  const discard = useCallback(() => {
    const { saved } = useRoom.getState();
    const editor = editorOf(path);
    if (saved && editor) replaceText(editor, saved.text);
    setRestored(null);
  }, [path]);

  const { mutate, isPending } = saving;
  const save = useCallback(() => {
    const { text, saved } = useRoom.getState();
    if (saved && text !== saved.text) mutate(null);
  }, [mutate]);

  return { file, conflict, settle, restored, hideRestored: () => setRestored(null), discard, save, isSaving: isPending, kept, otherTab };
}
