import { Tooltip, UnstyledButton } from '@mantine/core';
import { Link } from 'wouter';
import type { Case, Part, Sentence, Where } from '../api/types';
import { policyLink } from './links';
import classes from './Sentences.module.css';
import { LongVerbatim, Verbatim } from './Verbatim';

/** What a part of a reasoning is about, in the order in which it is said. */
const PARTS: Record<Part, string> = {
  see: 'What the picture shows',
  ask: 'What is asked',
  weigh: 'What it comes to',
  decide: 'Decision',
  answer: 'Answer',
};

/** The open policy beside the sentences: they point at its lines, and its lines at them. */
export interface Beside {
  /** Whether a place is lit: then the sentences that come from it are. */
  isLit: (where: Where) => boolean;
  /** The pointer or the focus came to a sentence, or left it (null). */
  onPoint: (where: Where | null) => void;
  /** Goes to the place that a sentence comes from. */
  onOpen: (where: Where) => void;
}

interface SentencesProps {
  sentences: readonly Sentence[];
  beside?: Beside;
  /** The policy's file in the folder, where no policy is beside: the sources of the sentences are links into it. */
  policy?: string | null;
  /** The case that such a link brings along. */
  held?: Case | null;
}

/** Sentences of a reasoning or an answer, a group for each part of it, each with the rule or fact and the line it comes from. */
export function Sentences({ sentences, beside, policy = null, held = null }: SentencesProps) {
  const groups: { part: Part; of: Sentence[] }[] = [];
  for (const sentence of sentences) {
    const last = groups.at(-1);
    if (last?.part === sentence.part) last.of.push(sentence);
    else groups.push({ part: sentence.part, of: [sentence] });
  }
  return (
    <dl className={classes.parts}>
      {groups.map(({ part, of }, place) => (
        <div key={place}>
          <dt className={classes.part}>{PARTS[part]}</dt>
          {of.map((sentence, index) => (
            <dd key={index} className={classes.said}>
              {beside ? <Pointing sentence={sentence} beside={beside} /> : <Linked sentence={sentence} policy={policy} held={held} />}
            </dd>
          ))}
        </div>
      ))}
    </dl>
  );
}

const whereOf = ({ where }: Sentence): Where | undefined => where.find(({ line }) => line !== null) ?? where[0];

/** What a sentence comes from, for people: its rule or fact, and the line. */
const sourceOf = (where: Where): string => [where.rule ?? where.fact, where.line === null ? null : `line ${where.line}`].filter(Boolean).join(', ');

function Pointing({ sentence, beside: { isLit, onPoint, onOpen } }: { sentence: Sentence; beside: Beside }) {
  const where = whereOf(sentence);
  const lit = sentence.where.some(isLit) || undefined;
  const text = (
    <>
      <Verbatim text={sentence.text} />
      {where ? (
        <span className={classes.source}>
          <Verbatim text={sourceOf(where)} />
        </span>
      ) : null}
    </>
  );
  if (where?.line == null) {
    return (
      <span className={classes.item} data-lit={lit}>
        {text}
      </span>
    );
  }
  return (
    <UnstyledButton
      className={classes.item}
      data-lit={lit}
      title={`Go to ${sourceOf(where)}`}
      onMouseEnter={() => onPoint(where)}
      onMouseLeave={() => onPoint(null)}
      onFocus={() => onPoint(where)}
      onBlur={() => onPoint(null)}
      onClick={() => onOpen(where)}
    >
      {text}
    </UnstyledButton>
  );
}

function Linked({ sentence, policy, held }: { sentence: Sentence; policy: string | null; held: Case | null }) {
  const where = whereOf(sentence);
  const path = where ? fileOf(where.path, policy) : null;
  return (
    <span className={classes.item}>
      <LongVerbatim text={sentence.text} />
      {where && path ? (
        <Tooltip label={`Go to ${sourceOf(where)} of ${path}`}>
          <Link className={classes.source} href={policyLink({ path, line: where.line, case: held })} aria-label={`${sourceOf(where)}, open it in ${path}`}>
            <Verbatim text={sourceOf(where)} />
          </Link>
        </Tooltip>
      ) : where ? (
        <span className={classes.source}>
          <Verbatim text={sourceOf(where)} />
        </span>
      ) : null}
    </span>
  );
}

/** A sentence may come from a file that the policy imports; what is not in the folder cannot be opened. */
function fileOf(path: string | null, policy: string | null): string | null {
  if (!path) return policy;
  if (!policy) return path.includes('/') ? path : null;
  return policy === path || policy.endsWith(`/${path}`) ? policy : path;
}
