import { Button, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { whole } from '../parts/numbers';
import { Prose } from '../parts/Prose';
import { Verbatim } from '../parts/Verbatim';
import type { RowsAddress } from './address';
import classes from './Filters.module.css';
import type { Facets } from './types';

interface FiltersProps {
  address: RowsAddress;
  facets: Facets | undefined;
}

const REVIEW: Record<string, string> = { unseen: 'not reviewed', accepted: 'accepted', rejected: 'rejected', changed: 'changed' };
const SHOWN = 8;

/** What the list is limited to, each value with the number of rows that have it. */
export function Filters({ address, facets }: FiltersProps) {
  const { filters, go } = address;
  return (
    <form className={classes.filters} role="search" aria-label="Filter the rows" onSubmit={(event) => event.preventDefault()}>
      <Search value={filters.q ?? ''} onSearch={(q) => go({ q }, { replace: true })} />
      <Select
        label="Order"
        data={[
          { value: 'file', label: 'As generated' },
          { value: 'teaches', label: 'What teaches most first' },
        ]}
        value={filters.order ?? 'file'}
        allowDeselect={false}
        onChange={(order) => go({ order: order === 'file' ? null : order })}
      />
      {facets ? (
        <>
          <Facet name="Review" counts={facets.review} said={REVIEW} value={filters.review} onPick={(review) => go({ review })} />
          <Facet name="What is due" counts={facets.verdict} value={filters.verdict} onPick={(verdict) => go({ verdict })} />
          <Facet name="Rule" counts={facets.rule} value={filters.rule} onPick={(rule) => go({ rule })} />
          {facets.doubts > 0 || filters.disagreement ? (
            <Facet
              name="Annotators"
              counts={{ true: facets.doubts }}
              said={{ true: 'unsure, or people differ' }}
              value={filters.disagreement}
              onPick={(disagreement) => go({ disagreement })}
            />
          ) : null}
          <Facet name="Source" counts={facets.source} value={filters.source} onPick={(source) => go({ source })} always={Boolean(filters.source)} />
          <Facet name="Left out, and why" counts={facets.left_out} said={facets.left_out_labels} value={filters.left_out} onPick={(left_out) => go({ left_out })} always />
        </>
      ) : null}
      {address.filtered ? (
        <Button variant="default" onClick={() => go({ rule: null, verdict: null, source: null, left_out: null, review: null, disagreement: null, q: null })}>
          Show all rows
        </Button>
      ) : null}
    </form>
  );
}

function Search({ value, onSearch }: { value: string; onSearch: (text: string) => void }) {
  const [text, setText] = useState(value);
  const [before, setBefore] = useState(value);
  // The address changed by itself: "back", or "Show all rows".
  if (value !== before) {
    setBefore(value);
    setText(value);
  }
  const later = useDebouncedCallback(onSearch, 250);
  return (
    <TextInput
      id="rows-search"
      type="search"
      label="Search"
      placeholder="Words of the request"
      maxLength={500}
      leftSection={<IconSearch size={14} aria-hidden />}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        later(event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') event.currentTarget.blur();
      }}
    />
  );
}

interface FacetProps {
  name: string;
  counts: Record<string, number>;
  said?: Record<string, string>;
  value: string | undefined;
  onPick: (value: string | null) => void;
  /** Show it even where all rows have the same value. */
  always?: boolean;
}

function Facet({ name, counts, said, value, onPick, always = true }: FacetProps) {
  const [all, setAll] = useState(false);
  const entries = Object.entries(counts);
  if (!said || name.startsWith('Left')) entries.sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  if (value !== undefined && !entries.some(([one]) => one === value)) entries.unshift([value, 0]);
  if (entries.length === 0 || (entries.length === 1 && !always)) return null;
  const shown = all ? entries : entries.filter(([one], place) => place < SHOWN || one === value);
  return (
    <fieldset className={classes.facet}>
      <legend>{name}</legend>
      {shown.map(([one, count]) => (
        <button
          key={one}
          type="button"
          className={classes.value}
          aria-pressed={one === value}
          disabled={count === 0 && one !== value}
          onClick={() => onPick(one === value ? null : one)}
        >
          <span className={classes.label}>
            {said?.[one] ? <Prose text={said[one]} /> : <Verbatim text={one} />}
          </span>
          <span className={classes.count}>{whole(count)}</span>
        </button>
      ))}
      {entries.length > shown.length || all ? (
        <button type="button" className={classes.more} onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? 'Show fewer' : `${entries.length - shown.length} more`}
        </button>
      ) : null}
    </fieldset>
  );
}
