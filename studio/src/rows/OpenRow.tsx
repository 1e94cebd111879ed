import { ActionIcon, Alert, Badge, Button, Text, Tooltip } from '@mantine/core';
import { IconArrowLeft, IconCheck, IconEdit, IconScale, IconX } from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import { Link } from 'wouter';
import type { Case, Verdict } from '../api/types';
import { policyLink } from '../parts/links';
import { Picture } from '../parts/Picture';
import { Prose } from '../parts/Prose';
import { Sentences } from '../parts/Sentences';
import { sameState, stateSaid } from '../parts/states';
import { LongVerbatim, Verbatim } from '../parts/Verbatim';
import { VerdictBadge } from '../parts/verdicts';
import { pictureOfRow } from './calls';
import { StandingMark } from './Grid';
import { History } from './History';
import classes from './OpenRow.module.css';
import { STANDING_SAID, type Standing } from './standing';
import type { Mark, Row, RowFact } from './types';

interface OpenRowProps {
  run: string;
  row: Row;
  stands: Standing;
  /** "12 of 704". */
  place: string;
  onClose: () => void;
  onChangeFact: (name: string) => void;
  onChangeAnswer: () => void;
}

/** A row with all that is known of it: the request, the facts and where each comes from, the text and its sources. */
export function OpenRow({ run, row, stands, place, onClose, onChangeFact, onChangeAnswer }: OpenRowProps) {
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (top.current) top.current.scrollTop = 0;
  }, [row.id]);
  const policy = row.policy_path;
  const held: Case = { facts: {} };
  for (const fact of row.facts) if (fact.state) held.facts[fact.name] = fact.state;

  return (
    <div className={classes.scroller} ref={top}>
      <header className={classes.head}>
        <ActionIcon size="md" aria-label="Close the row" onClick={onClose}>
          <IconArrowLeft size={18} stroke={1.7} aria-hidden />
        </ActionIcon>
        <span className={classes.place}>{place}</span>
        <span className={classes.stands} data-standing={stands.state}>
          <span className={classes.inline}>
            <StandingMark standing={stands} />
          </span>
          {STANDING_SAID[stands.state]}
          {stands.by && stands.state !== 'unseen' ? (
            <>
              {' '}
              by <Verbatim text={stands.by} />
            </>
          ) : null}
        </span>
        {policy ? (
          <Button component={Link} href={policyLink({ path: policy, case: held })} variant="default" leftSection={<IconScale size={14} aria-hidden />} className={classes.toPolicy}>
            Open as a case
          </Button>
        ) : null}
      </header>
      {row.left_out ? (
        <Alert color="yellow" variant="light" p="xs" title="Left out of the data">
          <Verbatim text={row.left_out} />
        </Alert>
      ) : null}
      {row.message ? (
        <Alert color="yellow" variant="light" p="xs">
          <Prose text={row.message} />
        </Alert>
      ) : null}
      {row.first_because ? (
        <Text className={classes.because}>
          <Verbatim text={row.first_because} />
        </Text>
      ) : null}
      <div className={classes.columns}>
        <div className={classes.left}>
          {Array.from({ length: row.pictures }, (_, number) => (
            <div key={number} className={classes.picture}>
              <Picture
                src={pictureOfRow(run, row.id, number)}
                alt={row.pictures === 1 ? 'The picture of the request' : `Picture ${number + 1} of ${row.pictures} of the request`}
              />
            </div>
          ))}
          <section aria-labelledby="row-request">
            <h2 id="row-request" className={classes.title}>
              Request
            </h2>
            <p className={classes.request}>
              <LongVerbatim text={row.request} />
            </p>
            <Text size="xs" c="dimmed">
              from <Verbatim text={row.source} />
            </Text>
          </section>
          <Facts facts={row.facts} onChange={onChangeFact} />
        </div>
        <div className={classes.right}>
          <section aria-labelledby="row-verdict">
            <h2 id="row-verdict" className={classes.title}>
              What is due
            </h2>
            <p className={classes.due}>
              <VerdictBadge verdict={row.verdict as Verdict} size="md" />
              <span className={classes.rule}>
                <Verbatim text={row.rule} />
              </span>
            </p>
            {row.before ? (
              <Text size="sm">
                It was made as <strong>{row.before}</strong>; what a reviewer changed turned it.
              </Text>
            ) : null}
          </section>
          {row.reasoning.length > 0 ? (
            <section aria-labelledby="row-reasoning">
              <h2 id="row-reasoning" className={classes.title}>
                Reasoning{row.texts_from === 'policy' ? ', written anew by the policy' : ''}
              </h2>
              <Sentences sentences={row.reasoning} policy={policy} held={held} />
            </section>
          ) : null}
          <section aria-labelledby="row-answer">
            <h2 id="row-answer" className={classes.title}>
              Answer
              <Tooltip label="Change the answer (w)">
                <ActionIcon size="sm" aria-label="Change the answer" onClick={onChangeAnswer}>
                  <IconEdit size={15} stroke={1.7} aria-hidden />
                </ActionIcon>
              </Tooltip>
            </h2>
            <div className={classes.answer}>
              {row.answer.map((sentence, at) => (
                <p key={at}>
                  <LongVerbatim text={sentence.text} />
                </p>
              ))}
              {row.answer.length === 0 ? <p>There is no answer.</p> : null}
            </div>
            <ReadAs row={row} />
          </section>
          <History reviews={row.reviews} facts={row.facts} />
        </div>
      </div>
    </div>
  );
}

/** Where a fact comes from, in words. */
function originSaid(origin: string): string {
  if (origin === 'source') return 'a label of the source';
  if (origin.startsWith('reviewer:')) return `set by ${origin.slice('reviewer:'.length)}`;
  return origin ? `read by ${origin}` : '';
}

/** Who read a fact, in words. */
function whoSaid(annotator: string): string {
  if (annotator === 'source') return 'the label of the source';
  return annotator.startsWith('reviewer:') ? annotator.slice('reviewer:'.length) : annotator;
}

function Facts({ facts, onChange }: { facts: readonly RowFact[]; onChange: (name: string) => void }) {
  return (
    <section aria-labelledby="row-facts">
      <h2 id="row-facts" className={classes.title}>
        Facts
      </h2>
      <ul className={classes.facts}>
        {facts.map((fact, place) => {
          const labels = new Map(fact.entry.values.map((value) => [value.name, value.label]));
          const differ = fact.by.some((one) => one.state && fact.by.some((other) => other.state && !sameState(one.state, other.state)));
          return (
            <li key={fact.name} className={classes.fact}>
              <span className={classes.factName}>
                <Verbatim text={fact.label} />
                {differ ? (
                  <Badge size="xs" color="yellow" variant="light" className={classes.differ}>
                    read differently
                  </Badge>
                ) : null}
              </span>
              <button type="button" className={classes.value} data-unknown={fact.state?.state !== 'known' || undefined} onClick={() => onChange(fact.name)} aria-label={`${fact.label}: ${stateSaid(fact.state, labels)}. Change it`}>
                <Verbatim text={stateSaid(fact.state, labels)} />
                <IconEdit size={13} stroke={1.7} aria-hidden />
              </button>
              <span className={classes.from}>
                <Verbatim text={originSaid(fact.from)} />
              </span>
              {fact.by.length > 1 || fact.by.some((one) => !sameState(one.state, fact.state)) ? (
                <ul className={classes.by}>
                  {fact.by.map((one, at) => (
                    <li key={at} title={one.detail.slice(0, 1_000) || undefined}>
                      <Verbatim text={whoSaid(one.annotator)} />: <Verbatim text={stateSaid(one.state, labels)} />
                      {one.confidence === null ? '' : `, ${Math.round(100 * one.confidence)} % sure`}
                    </li>
                  ))}
                </ul>
              ) : null}
              <span className={classes.number} aria-hidden>
                {place + 1}
              </span>
            </li>
          );
        })}
      </ul>
      {facts.length === 0 ? <Text size="sm">Nothing is known of this request.</Text> : null}
    </section>
  );
}

/** How the policy's criteria read the answer, beside what is due. */
function ReadAs({ row }: { row: Row }) {
  const { verdict, right, marks, message } = row.read_as;
  const fits = right === true;
  return (
    <div className={classes.read} data-fits={fits || undefined}>
      <p className={classes.readLine}>
        {fits ? <IconCheck size={15} stroke={2.2} aria-hidden /> : <IconX size={15} stroke={2.2} aria-hidden />}
        {right === null
          ? 'The criteria cannot tell what this answer is.'
          : fits
            ? 'The criteria read it as what is due:'
            : 'The criteria read it as something else than what is due:'}
        {right === null ? null : <VerdictBadge verdict={verdict as Verdict} size="xs" />}
      </p>
      {message ? <p className={classes.readLine}>
          <Prose text={message} />
        </p> : null}
      <Propositions marks={marks} />
    </div>
  );
}

/** What the criteria find in the answer; what they do not find is one click away. */
function Propositions({ marks }: { marks: readonly Mark[] }) {
  const found = marks.filter((mark) => mark.ok === true);
  const rest = marks.filter((mark) => mark.ok !== true);
  return (
    <>
      {found.length > 0 ? (
        <ul className={classes.marks}>
          {found.map((mark) => (
            <li key={mark.name}>
              <IconCheck size={13} stroke={2.2} aria-hidden /> {mark.label}
            </li>
          ))}
        </ul>
      ) : null}
      {rest.length > 0 ? (
        <details className={classes.rest}>
          <summary>What it does not do, or cannot be told ({rest.length})</summary>
          <ul className={classes.marks}>
            {rest.map((mark) => (
              <li key={mark.name}>
                {mark.ok === null ? 'Cannot be told: ' : 'No: '}
                {mark.label}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </>
  );
}
