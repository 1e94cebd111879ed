import { Button } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { Empty } from '../parts/Empty';
import { unlessDialog } from '../parts/keys';
import { Loading } from '../parts/Loading';
import { Prose } from '../parts/Prose';
import { sentenceOf } from '../shell/say';
import { Actions, type Acts } from './Actions';
import { rows } from './calls';
import { ChangeFact } from './ChangeFact';
import { Keys, WhoReviews, Write } from './Dialogs';
import { OpenRow } from './OpenRow';
import { useReviewer } from './reviewer';
import classes from './Reviewing.module.css';
import { standing } from './standing';
import type { Action, RowSummary } from './types';
import type { useReviewing } from './useReviewing';

interface ReviewingProps {
  run: string;
  id: string;
  /** The row as the list has it, where it is in the list. */
  summary: RowSummary | null;
  place: string;
  reviewing: ReturnType<typeof useReviewing>;
  /** Goes to a neighbour; false where there is none. */
  onMove: (by: 1 | -1) => boolean;
  onOpen: (id: string | null) => void;
  /** Has a sentence read out. */
  onSay: (sentence: string) => void;
}

type Dialog = { is: 'fact'; name: string | null } | { is: 'answer' } | { is: 'comment' } | { is: 'keys' } | { is: 'name'; then: () => void } | null;

/** The open row, what can be done with it, and the keys that do it. */
export function Reviewing({ run, id, summary, place, reviewing, onMove, onOpen, onSay }: ReviewingProps) {
  const [dialog, setDialog] = useState<Dialog>(null);
  const letters = useReviewer((state) => state.letters);
  const setName = useReviewer((state) => state.setName);
  const pane = useRef<HTMLElement>(null);
  const found = useQuery({ queryKey: ['row', run, id], queryFn: ({ signal }) => rows.row(run, id, signal), staleTime: 60_000 });
  const row = found.data?.id === id ? found.data : null;

  /** Does it once it is known who reviews. */
  const asSomebody = (act: () => void) => {
    if (useReviewer.getState().name) act();
    else setDialog({ is: 'name', then: act });
  };
  const judge = (action: Extract<Action, 'accept' | 'reject'>) => {
    if (!row) return;
    asSomebody(() => {
      reviewing.review(row, { action });
      if (!onMove(1)) onSay(action === 'accept' ? 'Accepted. That was the last row of this list.' : 'Rejected. That was the last row of this list.');
    });
  };
  const undo = () => {
    if (!row) return;
    asSomebody(() => {
      const of = reviewing.undo(row);
      if (of !== id) onOpen(of);
      onSay('Your last review is undone.');
    });
  };
  const acts: Acts = {
    accept: () => judge('accept'),
    reject: () => judge('reject'),
    changeFact: () => row && asSomebody(() => setDialog({ is: 'fact', name: null })),
    changeAnswer: () => row && asSomebody(() => setDialog({ is: 'answer' })),
    comment: () => row && asSomebody(() => setDialog({ is: 'comment' })),
    undo,
    next: () => onMove(1),
    previous: () => onMove(-1),
    keys: () => setDialog({ is: 'keys' }),
  };
  const key = (name: string, act: () => void): [string, () => void] => [name, unlessDialog(act)];
  useHotkeys([
    key('Escape', () => onOpen(null)),
    key('?', acts.keys),
    key('shift+?', acts.keys),
    ...(letters
      ? [
          key('a', acts.accept),
          key('r', acts.reject),
          key('e', acts.changeFact),
          key('w', acts.changeAnswer),
          key('c', acts.comment),
          key('u', acts.undo),
          key('j', acts.next),
          key('k', acts.previous),
        ]
      : []),
  ]);

  const waiting = reviewing.waiting.get(id) ?? [];
  const stands = standing(row ?? summary, waiting);
  return (
    <section className={classes.pane} aria-label="The open row" ref={pane}>
      {row ? (
        <OpenRow
          run={run}
          row={row}
          stands={stands}
          place={place}
          onClose={() => onOpen(null)}
          onChangeFact={(name) => asSomebody(() => setDialog({ is: 'fact', name }))}
          onChangeAnswer={acts.changeAnswer}
        />
      ) : found.isError ? (
        <Empty icon={IconAlertTriangle} title="This row cannot be shown" action={<Button onClick={() => void found.refetch()}>Try again</Button>}>
          <Prose text={sentenceOf(found.error)} />
        </Empty>
      ) : (
        <Loading what="the row" />
      )}
      <Actions acts={acts} letters={letters} />
      {dialog?.is === 'name' ? (
        <WhoReviews
          onClose={() => setDialog(null)}
          onName={(name) => {
            setName(name);
            setDialog(null);
            dialog.then();
          }}
        />
      ) : null}
      {dialog?.is === 'keys' ? <Keys onClose={() => setDialog(null)} /> : null}
      {row && dialog?.is === 'fact' ? (
        <ChangeFact
          facts={row.facts}
          first={dialog.name}
          onClose={() => setDialog(null)}
          onChange={(fact, state) => reviewing.review(row, { action: 'change_fact', fact, state })}
        />
      ) : null}
      {row && dialog?.is === 'answer' ? (
        <Write
          title="Change the answer"
          label={`Answer to “${row.request}”`}
          description={`What is due: ${row.verdict}. The policy's criteria read what you write as soon as it is saved.`}
          value={row.answer_text}
          save="Save the answer"
          onClose={() => setDialog(null)}
          onSave={(answer) => reviewing.review(row, { action: 'change_answer', answer })}
        />
      ) : null}
      {row && dialog?.is === 'comment' ? (
        <Write
          title="Comment"
          label="What others should know of this row"
          value=""
          save="Save the comment"
          onClose={() => setDialog(null)}
          onSave={(comment) => reviewing.review(row, { action: 'comment', comment })}
        />
      ) : null}
    </section>
  );
}
