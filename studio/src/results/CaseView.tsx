import { ActionIcon, Button, Text, Tooltip } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconAlertTriangle, IconArrowLeft, IconCheck, IconChevronLeft, IconChevronRight, IconGavel, IconScale, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { Link } from 'wouter';
import { Empty } from '../parts/Empty';
import { policyLink } from '../parts/links';
import { Loading } from '../parts/Loading';
import { Picture } from '../parts/Picture';
import { Prose } from '../parts/Prose';
import { Sentences } from '../parts/Sentences';
import { LongVerbatim, Verbatim } from '../parts/Verbatim';
import { useReviewer } from '../rows/reviewer';
import { sentenceOf } from '../shell/say';
import { pictureOfCase, results } from './calls';
import { DueBadge } from './Cases';
import classes from './CaseView.module.css';
import type { ArmAnswer, CaseResult } from './types';

interface CaseViewProps {
  run: string;
  id: string;
  /** "3 of 59" of the list that it was opened from. */
  place: string;
  tint: ReadonlyMap<string, string>;
  /** The arm that the list was about: it stands first. */
  first: string | null;
  onClose: () => void;
  onMove: (by: 1 | -1) => void;
}

/** A case: picture and request, what was due and why, and every arm's answer side by side. */
export function CaseView({ run, id, place, tint, first, onClose, onMove }: CaseViewProps) {
  const found = useQuery({ queryKey: ['case', run, id], queryFn: ({ signal }) => results.one(run, id, signal), staleTime: 60_000 });
  const letters = useReviewer((state) => state.letters);
  const heading = useRef<HTMLHeadingElement>(null);
  useHotkeys([['Escape', onClose], ...(letters ? ([['j', () => onMove(1)], ['k', () => onMove(-1)]] satisfies [string, () => void][]) : [])]);
  const loaded = found.data?.id;
  useEffect(() => {
    if (loaded !== undefined) heading.current?.focus();
  }, [loaded]);

  return (
    <article className={classes.view} aria-label="A case">
      <header className={classes.head}>
        <ActionIcon size="md" aria-label="Back to the results" onClick={onClose}>
          <IconArrowLeft size={18} stroke={1.7} aria-hidden />
        </ActionIcon>
        <span className={classes.place}>{place}</span>
        <span className={classes.moves}>
          <Tooltip label="Previous case (k)">
            <ActionIcon size="lg" variant="default" aria-label="Previous case" onClick={() => onMove(-1)}>
              <IconChevronLeft size={18} aria-hidden />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Next case (j)">
            <ActionIcon size="lg" variant="default" aria-label="Next case" onClick={() => onMove(1)}>
              <IconChevronRight size={18} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </span>
      </header>
      {found.isError && !found.data ? (
        <Empty icon={IconAlertTriangle} title="This case cannot be shown" action={<Button onClick={() => void found.refetch()}>Try again</Button>}>
          <Prose text={sentenceOf(found.error)} />
        </Empty>
      ) : found.data ? (
        <>
          <Asked run={run} one={found.data} heading={heading} />
          <Answers arms={ordered(found.data.arms, first)} tint={tint} />
        </>
      ) : (
        <Loading what="the case" />
      )}
    </article>
  );
}

/** The arm that the list was about first, arms that look at nothing last. */
function ordered(arms: readonly ArmAnswer[], first: string | null): ArmAnswer[] {
  const rank = (arm: ArmAnswer) => (arm.arm === first ? 0 : arm.baseline ? 2 : 1);
  return arms.toSorted((a, b) => rank(a) - rank(b));
}

function Asked({ run, one, heading }: { run: string; one: CaseResult; heading: React.RefObject<HTMLHeadingElement | null> }) {
  const { due } = one;
  const rule = due.rule === 'default' && due.near ? due.near : due.rule;
  const path = due.rule === 'default' && due.near ? (due.near_path ?? null) : due.path;
  const line = due.rule === 'default' && due.near ? (due.near_line ?? null) : due.line;
  return (
    <div className={classes.asked}>
      <div>
        {Array.from({ length: one.pictures }, (_, number) => (
          <div key={number} className={classes.picture}>
            <Picture src={pictureOfCase(run, one.id, number)} alt={one.pictures === 1 ? 'The picture of the request' : `Picture ${number + 1} of ${one.pictures} of the request`} />
          </div>
        ))}
      </div>
      <div className={classes.words}>
        <h1 className={classes.request} ref={heading} tabIndex={-1}>
          <LongVerbatim text={one.request} />
        </h1>
        <Text size="xs" c="dimmed">
          <Verbatim text={[one.suite, one.id, one.change].filter(Boolean).join(', ')} />
        </Text>
        {one.system ? (
          <details className={classes.system}>
            <summary>With instructions in the system turn</summary>
            <p>
              <LongVerbatim text={one.system} />
            </p>
          </details>
        ) : null}
        <div className={classes.links}>
          {path && line !== null ? (
            <Button component={Link} href={policyLink({ path, line, case: one.case })} variant="default" leftSection={<IconGavel size={14} aria-hidden />}>
              Go to the rule {rule}
            </Button>
          ) : null}
          {one.policy_path && one.case ? (
            <Button component={Link} href={policyLink({ path: one.policy_path, case: one.case })} variant="default" leftSection={<IconScale size={14} aria-hidden />}>
              Open as a case
            </Button>
          ) : null}
        </div>
      </div>
      <section className={classes.due} aria-labelledby="due">
        <h2 id="due" className={classes.label}>
          What was due, and why
        </h2>
        <p className={classes.dueLine}>
          {due.verdict ? <DueBadge due={due.verdict} size="md" /> : null}
          {due.verdict ? (
            <code>
              <Verbatim text={due.rule} />
            </code>
          ) : null}
          {due.expected ? <span>Expected: {due.expected}</span> : null}
        </p>
        {due.rule === 'default' && due.near ? (
          <Text size="sm">
            No rule decides it; <code>{due.near}</code> comes nearest.
          </Text>
        ) : null}
        {due.why.length > 0 ? <Sentences sentences={due.why} policy={one.policy_path} held={one.case} /> : null}
      </section>
    </div>
  );
}

function Answers({ arms, tint }: { arms: readonly ArmAnswer[]; tint: ReadonlyMap<string, string> }) {
  const said = arms.filter((arm) => !arm.baseline);
  const baselines = arms.filter((arm) => arm.baseline);
  return (
    <section aria-labelledby="answers">
      <h2 id="answers" className={classes.section}>
        What each arm answered
      </h2>
      <div className={classes.arms}>
        {said.map((arm) => (
          <Answer key={arm.arm} arm={arm} tint={tint.get(arm.arm)} />
        ))}
      </div>
      {baselines.length > 0 ? (
        <Text size="xs" c="dimmed" mt="sm">
          {baselines.map((arm) => `${arm.label}: ${arm.right ? 'right' : 'wrong'}`).join('. ')}.
        </Text>
      ) : null}
    </section>
  );
}

function Answer({ arm, tint }: { arm: ArmAnswer; tint: string | undefined }) {
  return (
    <section className={classes.arm} data-wrong={!arm.right || undefined} data-arm={arm.arm} aria-labelledby={`arm-${arm.arm}`}>
      <header className={classes.armHead}>
        <h3 id={`arm-${arm.arm}`} className={classes.armName}>
          <span className={classes.swatch} style={{ background: tint }} aria-hidden />
          {arm.label}
        </h3>
        <span className={classes.rightness}>
          {arm.right ? <IconCheck size={15} stroke={2.4} aria-hidden /> : <IconX size={15} stroke={2.4} aria-hidden />}
          {arm.right ? 'right' : 'wrong'}
        </span>
      </header>
      <p className={classes.read}>
        read as <DueBadge due={arm.read_as} />
        {arm.why ? (
          <span>
            <Prose text={arm.why} />
          </span>
        ) : null}
      </p>
      <h4 className={classes.label}>Reasoning</h4>
      {arm.reasoning ? <p className={classes.reasoning}>
          <LongVerbatim text={arm.reasoning} />
        </p> : <p className={classes.none}>It gave none.</p>}
      <h4 className={classes.label}>Answer</h4>
      <p className={classes.answer}>{arm.answer ? <LongVerbatim text={arm.answer} /> : <em>nothing</em>}</p>
      {arm.marks.length > 0 || arm.faults.length > 0 ? (
        <>
          <h4 className={classes.label}>What the judge marks</h4>
          <ul className={classes.marks}>
            {arm.marks.map((mark) => (
              <li key={mark.name} data-ok={mark.ok ?? undefined}>
                {mark.ok === null ? <span aria-hidden>–</span> : mark.ok ? <IconCheck size={14} stroke={2.2} aria-hidden /> : <IconX size={14} stroke={2.2} aria-hidden />}
                <span>
                  {mark.label}
                  <span className={classes.hidden}>: {mark.ok === null ? 'cannot be told' : mark.ok ? 'yes' : 'no'}</span>
                </span>
              </li>
            ))}
          </ul>
          {arm.faults.map((fault) => (
            <p key={fault} className={classes.fault}>
              <Prose text={fault} />
            </p>
          ))}
        </>
      ) : null}
    </section>
  );
}
