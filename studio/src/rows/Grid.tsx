import { IconCheck, IconClock, IconPencil, IconX } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useElementSize } from '@mantine/hooks';
import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from 'react';
import { Picture } from '../parts/Picture';
import { VerdictBadge } from '../parts/verdicts';
import { Verbatim } from '../parts/Verbatim';
import { pictureOfRow } from './calls';
import classes from './Grid.module.css';
import type { Waiting } from './outbox';
import { STANDING_SAID, type Standing, standing } from './standing';
import type { Verdict } from '../api/types';
import type { RowSummary } from './types';

interface GridProps {
  run: string;
  rows: readonly RowSummary[];
  total: number;
  /** The row that is open; the list is then one column beside it. */
  open: string | null;
  waiting: ReadonlyMap<string, Waiting[]>;
  onOpen: (id: string) => void;
  /** Asks for the next page of rows. */
  onEnd: () => void;
}

/** Widths and heights in pixels: of a card in the grid (with a sentence why it comes first: `because` more), and of a line in the list beside an open row. */
const CARD = { width: 176, height: 236, because: 38, gap: 12 };
const LINE = { height: 84, gap: 0 };
const NOTHING: Waiting[] = [];

/** The rows as cards, of which only those in view are drawn; one of them holds the focus and arrows move it. */
export function Grid({ run, rows, total, open, waiting, onOpen, onEnd }: GridProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { ref, width } = useElementSize();
  const list = open !== null;
  const height = CARD.height + (rows.some((row) => row.first_because) ? CARD.because : 0);
  const columns = list ? 1 : Math.max(2, Math.floor((width + CARD.gap) / (CARD.width + CARD.gap)));
  const lines = Math.ceil(rows.length / columns);
  const [focus, setFocus] = useState(0);
  const moved = useRef(false);

  const virtual = useVirtualizer({
    count: lines,
    getScrollElement: () => scroller.current,
    estimateSize: () => (list ? LINE.height : height + CARD.gap),
    overscan: 4,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;

  useEffect(() => {
    virtual.measure();
  }, [virtual, list, columns, height]);
  useEffect(() => {
    if (rows.length < total && last >= lines - 6) onEnd();
  }, [last, lines, rows.length, total, onEnd]);

  const place = open === null ? -1 : rows.findIndex((row) => row.id === open);
  const [opened, setOpened] = useState(place);
  if (place !== opened) {
    setOpened(place);
    if (place >= 0) setFocus(place);
  }
  useEffect(() => {
    if (place < 0) return;
    virtual.scrollToIndex(Math.floor(place / columns), { align: 'auto' });
  }, [place, columns, virtual]);

  useEffect(() => {
    if (!moved.current) return;
    moved.current = false;
    virtual.scrollToIndex(Math.floor(focus / columns), { align: 'auto' });
    // The card may have to be drawn first.
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-place="${focus}"]`)?.focus());
  }, [focus, columns, virtual]);

  const onKeyDown = useCallback(
    (event: KeyboardEvent) => {
      const steps: Record<string, number> = {
        ArrowRight: 1,
        ArrowLeft: -1,
        ArrowDown: columns,
        ArrowUp: -columns,
        PageDown: columns * 4,
        PageUp: -columns * 4,
        Home: -rows.length,
        End: rows.length,
      };
      const step = steps[event.key];
      if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      moved.current = true;
      setFocus((now) => Math.min(rows.length - 1, Math.max(0, now + step)));
    },
    [columns, rows.length],
  );

  return (
    <div className={classes.scroller} ref={scroller} data-list={list || undefined}>
      <div ref={ref}>
        <ul className={classes.rows} style={{ height: virtual.getTotalSize() }} aria-label={`Rows, ${total}`} onKeyDown={onKeyDown}>
          {items.map((line) =>
            rows.slice(line.index * columns, (line.index + 1) * columns).map((row, column) => {
              const at = line.index * columns + column;
              return (
                <li
                  key={row.id}
                  className={list ? classes.lineItem : classes.cardItem}
                  aria-setsize={total}
                  aria-posinset={at + 1}
                  style={{
                    transform: `translateY(${line.start}px)`,
                    height: list ? LINE.height : height,
                    left: list ? 0 : `calc((100% + ${CARD.gap}px) / ${columns} * ${column})`,
                    width: list ? '100%' : `calc((100% + ${CARD.gap}px) / ${columns} - ${CARD.gap}px)`,
                  }}
                >
                  <Card
                    run={run}
                    row={row}
                    place={at}
                    list={list}
                    current={row.id === open}
                    focused={at === Math.min(focus, rows.length - 1)}
                    standing={standing(row, waiting.get(row.id) ?? NOTHING)}
                    onOpen={() => {
                      setFocus(at);
                      onOpen(row.id);
                    }}
                  />
                </li>
              );
            }),
          )}
        </ul>
      </div>
    </div>
  );
}

interface CardProps {
  run: string;
  row: RowSummary;
  place: number;
  list: boolean;
  current: boolean;
  focused: boolean;
  standing: Standing;
  onOpen: () => void;
}

function Card({ run, row, place, list, current, focused, standing: stands, onOpen }: CardProps) {
  return (
    <button
      type="button"
      className={list ? classes.line : classes.card}
      data-place={place}
      data-row={row.id}
      data-standing={stands.state}
      aria-current={current || undefined}
      aria-disabled={row.left_out !== null || undefined}
      tabIndex={focused ? 0 : -1}
      onClick={onOpen}
    >
      <span className={classes.frame}>
        {row.picture ? (
          <Picture src={pictureOfRow(run, row.id)} alt="" lazy />
        ) : (
          <span className={classes.wordsOnly} aria-hidden>
            {list ? 'Aa' : <Verbatim text={row.request} />}
          </span>
        )}
        <StandingMark standing={stands} />
      </span>
      <span className={classes.words}>
        <span className={classes.request}>
          <Verbatim text={row.request} />
        </span>
        <span className={classes.foot}>
          {row.left_out ? null : <VerdictBadge verdict={row.verdict as Verdict} size="xs" />}
          <span className={classes.rule}>
            <Verbatim text={row.left_out ?? row.rule} />
          </span>
        </span>
        {row.first_because && !list ? (
          <span className={classes.because}>
            <Verbatim text={row.first_because} />
          </span>
        ) : null}
      </span>
    </button>
  );
}

const ICONS = { accepted: IconCheck, rejected: IconX, changed: IconPencil } as const;

export function StandingMark({ standing: stands }: { standing: Standing }) {
  const said = STANDING_SAID[stands.state] + (stands.waiting ? ', not saved yet' : '');
  if (stands.state === 'unseen' && !stands.waiting) return null;
  const Icon = stands.waiting ? IconClock : stands.state === 'unseen' ? IconClock : ICONS[stands.state];
  return (
    <span className={classes.mark} data-standing={stands.state} role="img" aria-label={said} title={said}>
      <Icon size={13} stroke={2.4} aria-hidden />
    </span>
  );
}
