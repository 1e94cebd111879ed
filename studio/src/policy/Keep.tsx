import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/calls';
import type { Decision } from '../api/types';
import { say } from '../shell/say';
import { useBench } from './bench';
import { useRoom } from './store';

interface KeepProps {
  opened: boolean;
  decision: Decision | undefined;
  close: () => void;
}

/** Writes the case into the text as an example of what the policy decides now; nothing is saved by that. */
export function Keep({ opened, decision, close }: KeepProps) {
  const bench = useBench();
  const [name, setName] = useState('');
  const keeping = useMutation({
    mutationFn: () => {
      const { text, case: held } = useRoom.getState();
      return api.keep({ path: bench.path, text }, held, name.trim() || undefined);
    },
    onSuccess: ({ text, line }) => {
      bench.write(text, line);
      setName('');
      close();
      say.done('The example stands in the text; save the file to keep it.');
    },
  });
  return (
    <Modal opened={opened} onClose={close} title="Keep this case as an example" centered>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          keeping.mutate();
        }}
      >
        <Stack gap="sm">
          <Text size="sm">
            The policy decides <strong>{decision?.verdict}</strong>. As an example in the file, every change is held against that.
          </Text>
          <TextInput
            label="Name"
            description="In words that say what the case is about; left empty, one is made."
            placeholder="mixing at home"
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={keeping.isPending}>
              Keep as example
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
