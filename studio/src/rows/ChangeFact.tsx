import { Button, Combobox, Group, Kbd, Modal, Stack, Text, TextInput, useCombobox } from '@mantine/core';
import { getHotkeyHandler, useHotkeys } from '@mantine/hooks';
import { IconCheck } from '@tabler/icons-react';
import { useId, useLayoutEffect, useState } from 'react';
import type { Fact, State, Value } from '../api/types';
import { FactValue } from '../parts/FactField';
import { sameState, stateSaid } from '../parts/states';
import classes from './ChangeFact.module.css';
import type { RowFact } from './types';

interface ChangeFactProps {
  facts: readonly RowFact[];
  /** The fact to begin with; null: it is chosen first. */
  first: string | null;
  onChange: (fact: string, state: State | null) => void;
  onClose: () => void;
}

/** A dialog to set what a row says of one fact: choose the fact by its number, then the value by typing. */
export function ChangeFact({ facts, first, onChange, onClose }: ChangeFactProps) {
  const [name, setName] = useState(first);
  const chosen = facts.find((fact) => fact.name === name);
  return (
    <Modal opened onClose={onClose} title={chosen ? `Change: ${chosen.label}` : 'Which fact?'} size="md">
      {chosen ? (
        <ValueOf
          key={chosen.name}
          row={chosen}
          onClose={onClose}
          onSave={(state) => {
            if (!sameState(state, chosen.state)) onChange(chosen.name, state);
            onClose();
          }}
        />
      ) : (
        <Choice facts={facts} onChoose={setName} />
      )}
    </Modal>
  );
}

function Choice({ facts, onChoose }: { facts: readonly RowFact[]; onChoose: (name: string) => void }) {
  useHotkeys(facts.slice(0, 9).map((fact, place) => [String(place + 1), () => onChoose(fact.name)]), []);
  return (
    <Stack gap={4}>
      {facts.map((fact, place) => (
        <button key={fact.name} type="button" className={classes.fact} data-autofocus={place === 0 || undefined} onClick={() => onChoose(fact.name)}>
          {place < 9 ? <Kbd size="xs">{place + 1}</Kbd> : <span />}
          <span>{fact.label}</span>
          <span className={classes.now}>{stateSaid(fact.state, new Map(fact.entry.values.map((value) => [value.name, value.label])))}</span>
        </button>
      ))}
    </Stack>
  );
}

interface Option {
  value: string;
  label: string;
  depth: number;
  /** What the search looks through: the label with those above it. */
  words: string;
  state: State | null;
}

const UNKNOWN: Option[] = [
  { value: '?told', label: 'cannot be told', depth: 0, words: 'cannot be told', state: { state: 'cannot_be_told' } },
  { value: '?looked', label: 'nobody looked', depth: 0, words: 'nobody looked', state: null },
];

function ValueOf({ row, onSave, onClose }: { row: RowFact; onSave: (state: State | null) => void; onClose: () => void }) {
  const fact = row.entry;
  const { kind } = fact;
  const value = row.state?.state === 'known' ? row.state.value : null;
  if (kind === 'score' || kind === 'text') return <Written fact={fact} value={value} onSave={onSave} />;
  if (kind === 'set' || Array.isArray(value)) return <Several options={choices(fact)} state={row.state} onSave={onSave} onClose={onClose} />;
  return <One options={[...choices(fact), ...UNKNOWN]} state={row.state} onSave={onSave} onClose={onClose} />;
}

/** The values of a fact, each after the one above it and set in below it. */
function choices(fact: Fact): Option[] {
  if (fact.kind === 'flag') {
    return [true, false].map((value) => {
      const label = value ? 'yes' : 'no';
      return { value: label, label, depth: 0, words: label, state: { state: 'known', value } };
    });
  }
  const found: Option[] = [];
  const below = (parent: string | null, depth: number, above: string) => {
    for (const value of fact.values) {
      if (value.parent !== parent || depth > 16) continue;
      const words = `${above} ${value.label} ${value.name}`.toLowerCase();
      found.push({ value: value.name, label: value.label, depth, words, state: { state: 'known', value: value.name } });
      below(value.name, depth + 1, words);
    }
  };
  below(null, 0, '');
  return found;
}

const fits = (option: Option, search: string): boolean =>
  search.toLowerCase().split(/\s+/).every((word) => option.words.includes(word));

interface ListedProps {
  options: Option[];
  state: State | null;
  onSave: (state: State | null) => void;
  /** Escape in the field: the list of values is always open, so there is nothing else to close. */
  onClose: () => void;
}

/** The list of values, in which the first that a search leaves is the one that Enter takes: as soon as it is drawn, so
 *  that an Enter right after the last letter finds it. */
function useListed(search: string): ReturnType<typeof useCombobox> {
  const combobox = useCombobox({ opened: true });
  const { selectFirstOption, resetSelectedOption } = combobox;
  useLayoutEffect(() => {
    if (search === '') resetSelectedOption();
    else selectFirstOption();
  }, [search, selectFirstOption, resetSelectedOption]);
  return combobox;
}

function One({ options, state, onSave, onClose }: ListedProps) {
  const [search, setSearch] = useState('');
  const combobox = useListed(search);
  const shown = options.filter((option) => fits(option, search));
  const now = options.find((option) => sameState(option.state, state))?.value;
  return (
    <Combobox store={combobox} onOptionSubmit={(value) => onSave(options.find((option) => option.value === value)?.state ?? null)}>
      <Combobox.EventsTarget>
        <TextInput
          data-autofocus
          autoFocus
          size="sm"
          placeholder="Type to find it, Enter to set it"
          aria-label="Find a value"
          value={search}
          onKeyDown={getHotkeyHandler([['Escape', onClose]])}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      </Combobox.EventsTarget>
      <Options options={shown} chosen={(value) => value === now} />
    </Combobox>
  );
}

function Several({ options, state, onSave, onClose }: ListedProps) {
  const [search, setSearch] = useState('');
  const [picked, setPicked] = useState<string[]>(
    state?.state === 'known' && Array.isArray(state.value) ? state.value : [],
  );
  const combobox = useListed(search);
  const shown = options.filter((option) => fits(option, search));
  const save = () => onSave({ state: 'known', value: picked });
  const label = new Map(options.map((option) => [option.value, option.label]));
  return (
    <Stack gap="sm">
      <Text size="sm">
        {picked.length === 0 ? <em>none</em> : picked.map((value) => label.get(value) ?? value).join(', ')}
      </Text>
      <Combobox
        store={combobox}
        onOptionSubmit={(value) => {
          setPicked(picked.includes(value) ? picked.filter((one) => one !== value) : [...picked, value]);
          setSearch('');
        }}
      >
        <Combobox.EventsTarget>
          <TextInput
            data-autofocus
            autoFocus
            size="sm"
            placeholder="Type to find it, Enter to put it in or take it out"
            aria-label="Find a value"
            value={search}
            onKeyDown={getHotkeyHandler([['mod+Enter', save], ['Escape', onClose]])}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
        </Combobox.EventsTarget>
        <Options options={shown} chosen={(value) => picked.includes(value)} />
      </Combobox>
      <Foot onSave={save} onState={onSave} />
    </Stack>
  );
}

function Options({ options, chosen }: { options: Option[]; chosen: (value: string) => boolean }) {
  return (
    <Combobox.Options className={classes.options} aria-label="Values">
      {options.map((option) => (
        <Combobox.Option key={option.value} value={option.value} active={chosen(option.value)} className={classes.option}>
          <span style={{ paddingInlineStart: option.depth * 16 }}>{option.label}</span>
          {chosen(option.value) ? <IconCheck size={14} aria-label="chosen" /> : null}
        </Combobox.Option>
      ))}
      {options.length === 0 ? <Combobox.Empty>No value has these words.</Combobox.Empty> : null}
    </Combobox.Options>
  );
}

/** A score or a text, in the same field as in a case. Enter saves a score, and Ctrl with Enter both. */
function Written({ fact, value, onSave }: { fact: Fact; value: Value | null; onSave: (state: State | null) => void }) {
  const [written, setWritten] = useState(value);
  const id = useId();
  const save = () => {
    if (written !== null) onSave({ state: 'known', value: written });
  };
  return (
    <Stack gap="sm" onKeyDown={getHotkeyHandler(fact.kind === 'score' ? [['Enter', save], ['mod+Enter', save]] : [['mod+Enter', save]])}>
      <Text id={id} size="sm">
        {fact.kind === 'score' ? `From ${fact.low ?? 0} to ${fact.high ?? 1}` : 'What is read there'}
      </Text>
      <FactValue fact={fact} id={id} value={written} onChange={setWritten} autoFocus />
      <Foot onSave={save} onState={onSave} />
    </Stack>
  );
}

function Foot({ onSave, onState }: { onSave: () => void; onState: (state: State | null) => void }) {
  return (
    <Group justify="space-between" gap="xs">
      <Group gap="xs">
        <Button variant="default" onClick={() => onState({ state: 'cannot_be_told' })}>
          Cannot be told
        </Button>
        <Button variant="default" onClick={() => onState(null)}>
          Nobody looked
        </Button>
      </Group>
      <Button onClick={onSave} rightSection={<Kbd size="xs">Ctrl ⏎</Kbd>}>
        Save
      </Button>
    </Group>
  );
}
