import { Chip, NumberInput, Select, Slider, Textarea, Tooltip, TreeSelect, type TreeNodeData, UnstyledButton } from '@mantine/core';
import { type ReactNode, useId, useMemo } from 'react';
import type { Band, Fact, State, Value } from '../api/types';
import classes from './FactField.module.css';

/** Up to how many values of a one-of stand side by side; more make a list with a search. */
const SIDE_BY_SIDE = 5;

interface FactFieldProps {
  fact: Fact;
  /** What the case says of it; null: nobody looked. */
  state: State | null;
  onChange: (state: State | null) => void;
  /** Whether the verdict hangs on this fact, which is not known. */
  asked?: boolean;
  lit?: boolean;
  onPoint?: (on: boolean) => void;
  /** What else is to be said of it, such as where its value comes from. */
  children?: ReactNode;
}

/** A fact of a case as a form field: its value, cannot be told, or nobody looked. */
export function FactField({ fact, state, onChange, asked = false, lit = false, onPoint, children }: FactFieldProps) {
  const id = useId();
  const known = state?.state === 'known' ? state.value : null;
  return (
    <div
      className={classes.field}
      role="group"
      aria-labelledby={id}
      data-lit={lit || undefined}
      data-asked={asked || undefined}
      onMouseEnter={() => onPoint?.(true)}
      onMouseLeave={() => onPoint?.(false)}
      onFocus={() => onPoint?.(true)}
      onBlur={() => onPoint?.(false)}
    >
      <div className={classes.head}>
        <span id={id} className={classes.label}>
          {fact.label}
        </span>
        {fact.label === fact.name ? null : <span className={classes.name}>{fact.name}</span>}
        <span className={classes.unknown}>
          <UnstyledButton
            className={classes.state}
            aria-pressed={state?.state === 'cannot_be_told'}
            title="Somebody looked, and could not tell."
            onClick={() => onChange({ state: 'cannot_be_told' })}
          >
            cannot be told
          </UnstyledButton>
          <UnstyledButton className={classes.state} aria-pressed={state === null} title="Nobody has looked yet." onClick={() => onChange(null)}>
            nobody looked
          </UnstyledButton>
        </span>
      </div>
      <FactValue fact={fact} id={id} value={known} onChange={(value) => onChange(value === null ? null : { state: 'known', value })} />
      {children}
    </div>
  );
}

interface FactValueProps {
  fact: Fact;
  /** The id of the label. */
  id: string;
  value: Value | null;
  onChange: (value: Value | null) => void;
  /** Whether the field is there to be typed into at once, as in a dialog. */
  autoFocus?: boolean;
}

/** What a known fact is: the field for its value alone. */
export function FactValue(props: FactValueProps) {
  const { fact, value, onChange, id, autoFocus = false } = props;
  switch (fact.kind) {
    case 'flag':
      return (
        <Chip.Group value={value === null ? '' : String(value)} onChange={(chosen) => onChange(chosen === 'true')}>
          <div className={classes.chips} role="radiogroup" aria-labelledby={id}>
            <Chip size="xs" value="true">yes</Chip>
            <Chip size="xs" value="false">no</Chip>
          </div>
        </Chip.Group>
      );
    case 'set':
      return <SetOf {...props} />;
    case 'one_of':
      return fact.values.length <= SIDE_BY_SIDE ? <OneOf {...props} /> : <Listed {...props} />;
    case 'taxonomy':
      return <Tree {...props} />;
    case 'score':
      return <Score {...props} />;
    case 'text':
      return (
        <Textarea
          size="xs"
          autoFocus={autoFocus}
          data-autofocus={autoFocus || undefined}
          autosize
          minRows={1}
          maxRows={6}
          aria-labelledby={id}
          placeholder="Text, or leave it empty"
          value={typeof value === 'string' ? value : ''}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}

function OneOf({ fact, id, value, onChange }: FactValueProps) {
  return (
    <Chip.Group value={typeof value === 'string' ? value : ''} onChange={(chosen: string) => onChange(chosen)}>
      <div className={classes.chips} role="radiogroup" aria-labelledby={id}>
        {fact.values.map((one) => (
          <Chip key={one.name} size="xs" value={one.name}>
            {one.label}
          </Chip>
        ))}
      </div>
    </Chip.Group>
  );
}

function SetOf({ fact, value, onChange }: FactValueProps) {
  const chosen = Array.isArray(value) ? value : [];
  return (
    <div className={classes.chips}>
      <Chip.Group multiple value={chosen} onChange={(names: string[]) => onChange(names)}>
        {fact.values.map((one) => (
          <Chip key={one.name} size="xs" value={one.name}>
            {one.label}
          </Chip>
        ))}
      </Chip.Group>
      <Chip size="xs" checked={Array.isArray(value) && value.length === 0} onChange={() => onChange([])}>
        none of these
      </Chip>
    </div>
  );
}

function Listed({ fact, id, value, onChange }: FactValueProps) {
  return (
    <Select
      searchable
      clearable
      aria-labelledby={id}
      placeholder={`Choose one of ${fact.values.length}`}
      nothingFoundMessage="None of that name"
      data={fact.values.map((one) => ({ value: one.name, label: one.label }))}
      value={typeof value === 'string' ? value : null}
      onChange={onChange}
      comboboxProps={{ shadow: 'md' }}
      maxDropdownHeight={260}
    />
  );
}

/** The values of a taxonomy as a tree: each under the one that it is a kind of. */
export function treeOf(fact: Fact): TreeNodeData[] {
  const nodes = new Map(fact.values.map((one): [string, TreeNodeData] => [one.name, { value: one.name, label: one.label }]));
  const roots: TreeNodeData[] = [];
  for (const { name, parent } of fact.values) {
    const node = nodes.get(name);
    if (!node) continue;
    const above = parent === null ? undefined : nodes.get(parent);
    if (above) (above.children ??= []).push(node);
    else roots.push(node);
  }
  return roots;
}

function Tree({ fact, id, value, onChange }: FactValueProps) {
  const data = useMemo(() => treeOf(fact), [fact]);
  return (
    <TreeSelect
      searchable
      clearable
      withLines
      aria-labelledby={id}
      placeholder="Choose as finely as is known"
      nothingFoundMessage="None of that name"
      data={data}
      value={typeof value === 'string' ? value : null}
      onChange={(chosen) => onChange(chosen)}
      comboboxProps={{ shadow: 'md' }}
      maxDropdownHeight={300}
    />
  );
}

const bandOf = (bands: readonly Band[], value: number): Band | undefined =>
  bands.find((band, index) => value >= band.low && (value < band.high || index === bands.length - 1));

function Score({ fact, id, value, onChange, autoFocus = false }: FactValueProps) {
  const low = fact.low ?? 0;
  const high = fact.high ?? 1;
  const step = (high - low) / 100;
  const number = typeof value === 'number' ? value : null;
  const here = number === null ? undefined : bandOf(fact.bands, number);
  return (
    <div className={classes.score}>
      <Slider
        size="sm"
        min={low}
        max={high}
        step={step}
        label={null}
        value={number ?? low}
        onChange={(chosen) => onChange(Number(chosen.toPrecision(6)))}
        thumbProps={{ 'aria-labelledby': id, style: number === null ? { opacity: 0.35 } : undefined }}
        color={number === null ? 'gray' : undefined}
      />
      <NumberInput
        size="xs"
        autoFocus={autoFocus}
        data-autofocus={autoFocus || undefined}
        aria-labelledby={id}
        min={low}
        max={high}
        step={step * 5}
        decimalScale={4}
        placeholder={`${low} to ${high}`}
        value={number ?? ''}
        onChange={(chosen) => onChange(typeof chosen === 'number' ? chosen : null)}
      />
      {fact.bands.length > 0 ? (
        <div className={classes.bands}>
          {fact.bands.map((band) => (
            <Tooltip key={`${band.low}`} label={`${band.low} to ${band.high}: ${band.label}`}>
              <span className={classes.band} data-here={band === here || undefined} style={{ flexGrow: band.high - band.low, flexBasis: 0 }}>
                {band.label}
              </span>
            </Tooltip>
          ))}
        </div>
      ) : null}
    </div>
  );
}
