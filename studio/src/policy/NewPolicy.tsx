import { Button, Group, Modal, Radio, Select, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { api } from '../api/calls';
import type { FileNode } from '../api/types';
import { policyLink } from '../parts/links';
import { Prose } from '../parts/Prose';
import { say, sentenceOf } from '../shell/say';

const TEMPLATES = [
  { value: 'starter', label: 'A small policy', description: 'Facts, rules, an exception and examples, to be changed into your own' },
  { value: 'minimal', label: 'Nearly nothing', description: 'One fact and one rule' },
  { value: 'library', label: 'A library', description: 'What several policies share; it decides nothing itself' },
];
const TOP = '.';

/** The folders of the tree that a policy may be put into: the top, and those that hold policies or nothing else. */
function foldersOf(files: readonly FileNode[]): string[] {
  const found: string[] = [];
  const walk = (nodes: readonly FileNode[]) => {
    for (const { kind, path, children } of nodes) {
      if (kind !== 'folder') continue;
      if (path === 'policies' || children?.length === 0 || children?.some((child) => child.kind === 'policy')) found.push(path);
      walk(children ?? []);
    }
  };
  walk(files);
  return found;
}

interface NewPolicyProps {
  opened: boolean;
  close: () => void;
  files: readonly FileNode[];
  /** The folder to begin with: that of the open file. */
  beside: string | null;
}

/** Begins a policy: a file that compiles, made of a template, which is opened at once. */
export function NewPolicy({ opened, close, files, beside }: NewPolicyProps) {
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const folders = foldersOf(files);
  const [name, setName] = useState('');
  const [template, setTemplate] = useState('starter');
  const [chosen, setChosen] = useState<string | null>(null);
  const first = [beside, 'policies'].find((folder) => folder !== null && folders.includes(folder)) ?? TOP;
  const folder = chosen ?? first;
  const making = useMutation({
    meta: { silent: true },
    mutationFn: () => {
      const file = `${name.trim().replace(/\.safecot$/, '')}.safecot`;
      return api.newPolicy(folder === TOP ? file : `${folder}/${file}`, template);
    },
    onSuccess: async ({ path }) => {
      close();
      setName('');
      await Promise.all([queries.invalidateQueries({ queryKey: ['files'] }), queries.invalidateQueries({ queryKey: ['session'] })]);
      navigate(policyLink({ path }));
      say.done(`${path} is written: change it into your own.`);
    },
  });
  return (
    <Modal opened={opened} onClose={close} title="New policy" centered>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== '') making.mutate();
        }}
      >
        <Stack gap="md">
          <TextInput
            label="Name"
            description="Lower-case letters, digits and _"
            placeholder="household"
            data-autofocus
            value={name}
            error={making.error ? <Prose text={sentenceOf(making.error)} /> : null}
            onChange={(event) => {
              setName(event.currentTarget.value);
              making.reset();
            }}
          />
          {folders.length > 0 ? (
            <Select
              label="Folder"
              value={folder}
              allowDeselect={false}
              onChange={setChosen}
              data={[{ value: TOP, label: 'the top folder' }, ...folders.map((path) => ({ value: path, label: path }))]}
              comboboxProps={{ shadow: 'md' }}
            />
          ) : null}
          <Radio.Group label="Begin with" value={template} onChange={setTemplate}>
            <Stack gap={8} mt={6}>
              {TEMPLATES.map((one) => (
                <Radio key={one.value} size="sm" {...one} />
              ))}
            </Stack>
          </Radio.Group>
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={making.isPending} disabled={name.trim() === ''}>
              Write it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
