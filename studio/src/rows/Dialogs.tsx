import { Button, Group, Kbd, Modal, Stack, Switch, Table, Text, Textarea, TextInput } from '@mantine/core';
import { getHotkeyHandler } from '@mantine/hooks';
import { useState } from 'react';
import { useReviewer } from './reviewer';

/** Asked once in a browser, before the first review. */
export function WhoReviews({ onName, onClose }: { onName: (name: string) => void; onClose: () => void }) {
  const [name, setName] = useState(useReviewer.getState().name);
  const said = name.trim();
  return (
    <Modal opened onClose={onClose} title="Who reviews?">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (said) onName(said);
        }}
      >
        <Stack gap="md">
          <TextInput
            data-autofocus
            size="sm"
            label="Your name"
            description="It stands beside each of your reviews, so that others see who said what. Asked once in this browser."
            maxLength={80}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button type="submit" disabled={!said}>
              Review as {said || '…'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

interface WriteProps {
  title: string;
  label: string;
  description?: string;
  value: string;
  save: string;
  onSave: (text: string) => void;
  onClose: () => void;
}

/** A dialog to write an answer or a comment in. */
export function Write({ title, label, description, value, save, onSave, onClose }: WriteProps) {
  const [text, setText] = useState(value);
  const done = () => {
    const said = text.trim();
    if (said && said !== value.trim()) onSave(said);
    onClose();
  };
  return (
    <Modal opened onClose={onClose} title={title} size="lg">
      <Stack gap="md">
        <Textarea
          data-autofocus
          autosize
          minRows={4}
          maxRows={16}
          label={label}
          description={description}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={getHotkeyHandler([['mod+Enter', done]])}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Leave as it was
          </Button>
          <Button onClick={done} rightSection={<Kbd size="xs">Ctrl ⏎</Kbd>}>
            {save}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

const KEYS: [string[], string][] = [
  [['a'], 'Accept the row, and go to the next'],
  [['r'], 'Reject the row, and go to the next'],
  [['e'], 'Change a fact; then its number, then type the value'],
  [['w'], 'Change the answer'],
  [['c'], 'Comment'],
  [['u'], 'Undo your last review, and go back to its row'],
  [['j'], 'Next row'],
  [['k'], 'Previous row'],
  [['/'], 'Search'],
  [['Esc'], 'Close the row'],
  [['?'], 'These keys'],
  [['←', '↑', '→', '↓'], 'Move in the list; Enter opens'],
  [['Ctrl', '⏎'], 'Save what is written in a dialog'],
];

export function Keys({ onClose }: { onClose: () => void }) {
  const { letters, setLetters } = useReviewer();
  return (
    <Modal opened onClose={onClose} title="Keys">
      <Stack gap="md">
        <Table withRowBorders={false} verticalSpacing={4}>
          <Table.Tbody>
            {KEYS.map(([keys, does]) => (
              <Table.Tr key={does}>
                <Table.Td w={120}>
                  <Group gap={4}>
                    {keys.map((key) => (
                      <Kbd key={key}>{key}</Kbd>
                    ))}
                  </Group>
                </Table.Td>
                <Table.Td>{does}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Switch
          checked={letters}
          onChange={(event) => setLetters(event.currentTarget.checked)}
          label="Single letters act"
          description="Turn them off where you dictate or type by a switch; every action has a button too."
        />
        <Text size="xs" c="dimmed">
          Each review is saved at once, and kept in this browser until the studio has written it.
        </Text>
      </Stack>
    </Modal>
  );
}
