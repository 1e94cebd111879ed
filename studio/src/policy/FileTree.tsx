import { Button, Text, Tree, type TreeNodeData, useTree, VisuallyHidden } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChartBar, IconFile, IconFilePlus, IconFileText, IconFolder, IconFolderOpen, IconNotes, IconSettings } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useLocation } from 'wouter';
import { api } from '../api/calls';
import type { FileNode, FileTree as Files } from '../api/types';
import { Empty } from '../parts/Empty';
import { policyLink } from '../parts/links';
import { Loading } from '../parts/Loading';
import { Prose } from '../parts/Prose';
import { Verbatim } from '../parts/Verbatim';
import { sentenceOf } from '../shell/say';
import { draftedPaths } from './drafts';
import classes from './FileTree.module.css';
import { NewPolicy } from './NewPolicy';
import { useRoom } from './store';

const ICONS = { folder: IconFolder, policy: IconFileText, recipe: IconSettings, run: IconChartBar, reviews: IconNotes, other: IconFile };
const SHOWN = new Set<FileNode['kind']>(['folder', 'policy', 'recipe', 'run']);

interface Node extends TreeNodeData {
  file: FileNode;
}

/** What the room can open, folders without any such file left out. */
function nodesOf(files: readonly FileNode[]): Node[] {
  return files.flatMap((file): Node[] => {
    if (!SHOWN.has(file.kind)) return [];
    if (file.kind !== 'folder') return [{ value: file.path, label: file.name, file }];
    const children = nodesOf(file.children ?? []);
    return children.length > 0 ? [{ value: file.path, label: file.name, file, children }] : [];
  });
}

const foldersTo = (path: string) => path.split('/').slice(0, -1).map((_, index, parts) => parts.slice(0, index + 1).join('/'));

export function FileTree({ folder, path, onOpen }: { folder: string; path: string | null; onOpen?: () => void }) {
  const files = useQuery({ queryKey: ['files'], queryFn: ({ signal }) => api.files(signal), refetchOnWindowFocus: true });
  if (files.error && !files.data) {
    return (
      <Empty icon={IconFolder} title="The files cannot be listed">
        <Prose text={sentenceOf(files.error)} />
      </Empty>
    );
  }
  if (!files.data) return <Loading what="the files" />;
  return <Listed files={files.data} folder={folder} path={path} onOpen={onOpen} />;
}

function Listed({ files, folder, path, onOpen }: { files: Files; folder: string; path: string | null; onOpen?: (() => void) | undefined }) {
  const [, navigate] = useLocation();
  const unsaved = useRoom((room) => room.saved !== null && room.text !== room.saved.text);
  const nodes = useMemo(() => nodesOf(files.children), [files]);
  const drafted = new Set(draftedPaths(folder));
  if (path !== null) {
    if (unsaved) drafted.add(path);
    else drafted.delete(path);
  }
  const tree = useTree({
    initialExpandedState: Object.fromEntries(['policies', ...(path ? foldersTo(path) : [])].map((name) => [name, true])),
  });
  const open = (file: FileNode) => {
    if (file.kind === 'policy' || file.kind === 'recipe') {
      navigate(policyLink({ path: file.path }));
      onOpen?.();
    } else if (file.kind === 'run') {
      navigate(`/rows?${new URLSearchParams({ run: file.path }).toString()}`);
    }
  };
  const [newOpen, { open: begin, close }] = useDisclosure(false);
  const beside = path === null ? null : path.split('/').slice(0, -1).join('/');
  const newPolicy = <NewPolicy opened={newOpen} close={close} files={files.children} beside={beside} />;
  if (nodes.length === 0) {
    return (
      <>
        <Empty icon={IconFolder} title="No policy in this folder yet" action={<Button onClick={begin}>New policy</Button>}>
          Begin with a small one that ships and change it into your own, or start the studio on another folder.
        </Empty>
        {newPolicy}
      </>
    );
  }
  return (
    <nav className={classes.pane} aria-label="Files">
      <Button variant="subtle" color="gray" size="xs" fullWidth justify="flex-start" leftSection={<IconFilePlus size={15} stroke={1.6} aria-hidden />} onClick={begin}>
        New policy
      </Button>
      {newPolicy}
      <Tree
        aria-label="Files"
        data={nodes}
        tree={tree}
        levelOffset={14}
        renderNode={({ node, expanded, elementProps }) => {
          const { file } = node as Node;
          const Icon = file.kind === 'folder' && expanded ? IconFolderOpen : ICONS[file.kind];
          return (
            <div
              {...elementProps}
              onClick={(event) => {
                elementProps.onClick(event);
                open(file);
              }}
            >
              <div className={classes.row} data-open={file.path === path || undefined} title={file.path}>
                <Icon size={15} stroke={1.6} aria-hidden />
                <span className={classes.name}>
                  <Verbatim text={file.name} />
                </span>
                {drafted.has(file.path) ? (
                  <span className={classes.dot}>
                    <VisuallyHidden>, not saved</VisuallyHidden>
                  </span>
                ) : null}
              </div>
            </div>
          );
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          const value = (event.target as HTMLElement).closest<HTMLElement>('[data-value]')?.dataset.value;
          const file = find(files.children, value ?? '');
          if (file) open(file);
        }}
      />
      {files.complete ? null : (
        <Text size="xs" c="dimmed" p="xs">
          The folder holds more files than are listed here.
        </Text>
      )}
    </nav>
  );
}

function find(files: readonly FileNode[], path: string): FileNode | null {
  for (const file of files) {
    if (file.path === path) return file;
    const below = file.children ? find(file.children, path) : null;
    if (below) return below;
  }
  return null;
}
