import { ActionIcon, Button, Kbd, Menu, Tooltip } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { IconArrowBackUp, IconCheck, IconChevronDown, IconChevronUp, IconDots, IconHelp, IconMessage, IconPencil, IconTag, IconX } from '@tabler/icons-react';
import type { ComponentType } from 'react';
import classes from './Actions.module.css';

export interface Acts {
  accept: () => void;
  reject: () => void;
  changeFact: () => void;
  changeAnswer: () => void;
  comment: () => void;
  undo: () => void;
  next: () => void;
  previous: () => void;
  keys: () => void;
}

interface More {
  act: keyof Acts;
  key: string;
  name: string;
  icon: ComponentType<{ size?: number; stroke?: number }>;
}

const MORE: More[] = [
  { act: 'changeFact', key: 'e', name: 'Change fact', icon: IconTag },
  { act: 'changeAnswer', key: 'w', name: 'Change answer', icon: IconPencil },
  { act: 'comment', key: 'c', name: 'Comment', icon: IconMessage },
  { act: 'undo', key: 'u', name: 'Undo', icon: IconArrowBackUp },
];

/** Pixels within the bar from which all buttons stand in it, and from which their keys do too. */
const BUTTONS = 700;
const WITH_KEYS = 860;

/** What can be done with the open row, each with its key. The pane's width counts, not the window's: lists stand beside it. */
export function Actions({ acts, letters }: { acts: Acts; letters: boolean }) {
  const { ref, width } = useElementSize();
  const narrow = width < BUTTONS;
  const key = (letter: string) => (letters && width >= WITH_KEYS ? <Kbd size="xs">{letter}</Kbd> : null);
  return (
    <div ref={ref} className={classes.bar} role="toolbar" aria-label="Review this row">
      <Button size="sm" color="teal" variant="light" className={classes.accept} leftSection={<IconCheck size={16} stroke={2} aria-hidden />} rightSection={key('a')} onClick={acts.accept} aria-keyshortcuts="a">
        Accept
      </Button>
      <Button size="sm" color="red" variant="light" className={classes.reject} leftSection={<IconX size={16} stroke={2} aria-hidden />} rightSection={key('r')} onClick={acts.reject} aria-keyshortcuts="r">
        Reject
      </Button>
      {narrow ? (
        <Menu position="top" shadow="md">
          <Menu.Target>
            <ActionIcon size={36} variant="default" aria-label="More that can be done">
              <IconDots size={18} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {[...MORE, { act: 'keys', key: '?', name: 'Keys', icon: IconHelp } satisfies More].map(({ act, name, icon: Icon }) => (
              <Menu.Item key={act} leftSection={<Icon size={16} stroke={1.7} />} onClick={acts[act]}>
                {name}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      ) : (
        MORE.map(({ act, key: letter, name }) => (
          <Button key={act} size="sm" variant="default" rightSection={key(letter)} onClick={acts[act]} aria-keyshortcuts={letter}>
            {name}
          </Button>
        ))
      )}
      <span className={classes.moves}>
        <Tooltip label="Previous row (k)">
          <ActionIcon size={36} variant="default" aria-label="Previous row" onClick={acts.previous} aria-keyshortcuts="k">
            <IconChevronUp size={18} aria-hidden />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Next row (j)">
          <ActionIcon size={36} variant="default" aria-label="Next row" onClick={acts.next} aria-keyshortcuts="j">
            <IconChevronDown size={18} aria-hidden />
          </ActionIcon>
        </Tooltip>
        {narrow ? null : (
          <Tooltip label="The list of keys (?)">
            <ActionIcon size={36} aria-label="The list of keys" onClick={acts.keys} aria-keyshortcuts="?">
              <IconHelp size={18} stroke={1.7} aria-hidden />
            </ActionIcon>
          </Tooltip>
        )}
      </span>
    </div>
  );
}
