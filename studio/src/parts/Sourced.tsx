import { Tooltip } from '@mantine/core';
import { Link } from 'wouter';
import type { Case, Sentence } from '../api/types';
import { policyLink } from './links';
import classes from './Sourced.module.css';

interface SourcedProps {
  sentences: readonly Sentence[];
  /** The policy's file in the folder, where there is one: the sentences then lead to their lines. */
  policy?: string | null;
  held?: Case | null;
}

const STEPS = { see: 'Sees', ask: 'Is asked', weigh: 'Weighs', decide: 'Decides', answer: 'Answers' } as const;

/** Sentences of a reasoning or an answer, a group a step, each with the rule or fact and the line that it comes from. */
export function Sourced({ sentences, policy, held }: SourcedProps) {
  const steps: { part: Sentence['part']; of: Sentence[] }[] = [];
  for (const sentence of sentences) {
    const last = steps.at(-1);
    if (last?.part === sentence.part) last.of.push(sentence);
    else steps.push({ part: sentence.part, of: [sentence] });
  }
  return (
    <dl className={classes.steps}>
      {steps.map(({ part, of }, place) => (
        <div key={place} className={classes.step}>
          <dt>{STEPS[part]}</dt>
          <dd>
            {of.map((sentence, index) => (
              <Said key={index} sentence={sentence} policy={policy ?? null} held={held ?? null} />
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Said({ sentence, policy, held }: { sentence: Sentence; policy: string | null; held: Case | null }) {
  const where = sentence.where.find((one) => one.line !== null) ?? sentence.where[0];
  if (!where) return <p className={classes.said}>{sentence.text}</p>;
  const name = where.rule ?? where.fact;
  const place = [name, where.line === null ? null : `line ${where.line}`].filter(Boolean).join(', ');
  const shown = `${name ?? 'policy'}${where.line === null ? '' : `:${where.line}`}`;
  const path = fileOf(where.path, policy);
  return (
    <p className={classes.said}>
      {sentence.text}{' '}
      {path ? (
        <Tooltip label={`${path}, ${place}`}>
          <Link className={classes.where} href={policyLink({ path, line: where.line, case: held })} aria-label={`${shown}, open it in ${path}`}>
            {shown}
          </Link>
        </Tooltip>
      ) : (
        <span className={classes.where}>{place}</span>
      )}
    </p>
  );
}

/** A sentence may come from a file that the policy imports; what is not in the folder cannot be opened. */
function fileOf(path: string | null, policy: string | null): string | null {
  if (!path) return policy;
  if (!policy) return path.includes('/') ? path : null;
  return policy === path || policy.endsWith(`/${path}`) ? policy : path;
}
