import { Button, Group, Modal, NumberInput, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/calls';
import { say } from '../shell/say';

/** The button of a recipe that makes its rows, with a word on what it does first. */
export function MakeRows({ path, unsaved }: { path: string; unsaved: boolean }) {
  const [opened, { open, close }] = useDisclosure(false);
  const [rows, setRows] = useState<number | string>('');
  const queries = useQueryClient();
  const begin = useMutation({
    mutationFn: () => api.startJob({ kind: 'generate', path, ...(typeof rows === 'number' ? { rows } : {}) }),
    onSuccess: () => {
      close();
      say.note('The rows are being made. How far they are, and a button to stop, are at the top right.');
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['jobs'] }),
  });
  return (
    <>
      <Button variant="default" leftSection={<IconPlayerPlay size={15} aria-hidden />} onClick={open} disabled={unsaved} title={unsaved ? 'Save the recipe first' : undefined}>
        Make rows
      </Button>
      <Modal opened={opened} onClose={close} title="Make the rows of this recipe" centered>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            begin.mutate();
          }}
        >
          <Stack gap="md">
            <Text size="sm">
              The rows are written to a new folder below <code>runs</code>; nothing that is there is changed. It goes on when this page is closed.
            </Text>
            <NumberInput
              label="How many"
              description="Left empty, as many as the recipe says"
              data-autofocus
              min={1}
              allowDecimal={false}
              allowNegative={false}
              value={rows}
              onChange={setRows}
            />
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" loading={begin.isPending}>
                Make rows
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
