import { MergeView, unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useCallback, useRef } from 'react';
import { nonce } from '../shell/nonce';
import { safecot } from './editor/highlight';
import { look } from './editor/look';
import { useRoom } from './store';
import type { Conflict as Other } from './useFile';

interface ConflictProps {
  path: string;
  other: Other | null;
  /** Takes the file's text as the ground; the editor gets `text`, unsaved where it differs. */
  settle: (other: Other, text: string) => void;
  later: () => void;
}

/** The buttons of one difference: what stands in it is mine, and the other choice is what the file has. */
function choice(type: 'accept' | 'reject', act: (event: MouseEvent) => void): HTMLElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'cm-choice';
  button.textContent = type === 'accept' ? 'Keep mine' : 'Take the file’s';
  button.onmousedown = act;
  button.onclick = (event) => {
    if (event.detail === 0) act(event); // by keyboard
  };
  return button;
}

/** The file was changed from elsewhere while it was changed here: both texts, side by side, and neither is lost. */
export function Conflict({ path, other, settle, later }: ConflictProps) {
  const mine = useRef<EditorView | null>(null);
  const narrow = useMediaQuery('(max-width: 900px)');

  const place = useCallback(
    (dom: HTMLDivElement | null) => {
      if (!dom || !other) return undefined;
      const { text } = useRoom.getState();
      const shared = [EditorView.cspNonce.of(nonce), lineNumbers(), safecot(), look, EditorView.lineWrapping];
      const label = (name: string) => EditorView.contentAttributes.of({ 'aria-label': name });
      if (narrow) {
        const view = new EditorView({
          parent: dom,
          state: EditorState.create({ doc: text, extensions: [shared, label('Your text, with the differences to the file'), unifiedMergeView({ original: other.text, mergeControls: choice })] }),
        });
        mine.current = view;
        return () => view.destroy();
      }
      const merge = new MergeView({
        parent: dom,
        a: { doc: other.text, extensions: [shared, label('The file as it is now'), EditorState.readOnly.of(true)] },
        b: { doc: text, extensions: [shared, label('Your text')] },
        revertControls: 'a-to-b',
        collapseUnchanged: { margin: 3, minSize: 6 },
      });
      mine.current = merge.b;
      return () => merge.destroy();
    },
    [other, narrow],
  );

  return (
    <Modal opened={other !== null} onClose={later} size="min(1200px, 96vw)" title={`${path} was changed from elsewhere`} closeButtonProps={{ 'aria-label': 'Decide later' }}>
      <Stack gap="sm">
        <Text size="sm">
          {narrow ? 'Your text, with what the file has instead.' : 'On the left the file as it is now; on the right your text.'}{' '}
          Take over what you need, then go on. Nothing is written before you save.
        </Text>
        <div ref={place} style={{ maxHeight: '60vh', overflow: 'auto', border: '1px solid var(--line)', borderRadius: 4 }} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={later}>
            Decide later
          </Button>
          <Button variant="default" onClick={() => other && settle(other, other.text)}>
            Take the file&rsquo;s text
          </Button>
          <Button onClick={() => other && settle(other, mine.current?.state.doc.toString() ?? useRoom.getState().text)}>
            Go on with mine
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
