import { api } from '../api/calls';
import { sentenceOf, say } from '../shell/say';
import { keepDraft, readDraft } from './drafts';
import { pathOf } from './editor/client';
import { editedText } from './editor/handle';
import type { FileEdits } from './editor/rename';

/**
 * What a rename changes in files that are not open becomes an unsaved change of each: it is there when the file is opened,
 * and written when it is saved.
 */
export async function editOthers(root: string, files: FileEdits[]): Promise<void> {
  const changed: string[] = [];
  for (const { uri, edits } of files) {
    const path = pathOf(root, uri);
    if (path === null) continue;
    try {
      const file = await api.file(path);
      const text = readDraft(root, path)?.text ?? file.text;
      const places = edits.map((edit) => ({
        start_line: edit.range.start.line,
        start_character: edit.range.start.character,
        end_line: edit.range.end.line,
        end_character: edit.range.end.character,
        text: edit.newText,
      }));
      // The places are those of the file on the disk; a draft that differs from it is not written into.
      if (text !== file.text || !keepDraft(root, path, editedText(text, places), file)) {
        say.note(`${path} uses the name too, and has unsaved changes: change it there by hand.`);
        continue;
      }
      changed.push(path);
    } catch (error) {
      say.wrong(new Error(`${path} uses the name too, and was not changed: ${sentenceOf(error)}`));
    }
  }
  if (changed.length > 0) say.note(`Also changed, not saved yet: ${changed.join(', ')}.`);
}
