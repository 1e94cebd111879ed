import { UnstyledButton } from '@mantine/core';
import type { Sentence, Where } from '../api/types';
import classes from './Sentences.module.css';

interface SentencesProps {
  sentences: readonly Sentence[];
  /** Whether a place is lit: then the sentences that come from it are. */
  isLit?: (where: Where) => boolean;
  /** The pointer or the focus came to a sentence, or left it (null). */
  onPoint?: (where: Where | null) => void;
  /** Goes to the place that a sentence comes from. */
  onOpen?: (where: Where) => void;
}

/** What a sentence comes from, for people: its rule or fact, and the line. */
export function sourceOf(where: Where): string {
  return [where.rule ?? where.fact, where.line === null ? null : `line ${where.line}`].filter(Boolean).join(', ');
}

/** Sentences of a reasoning or an answer; each points at where it comes from. */
export function Sentences({ sentences, isLit, onPoint, onOpen }: SentencesProps) {
  return (
    <ul className={classes.list}>
      {sentences.map((sentence, index) => {
        const where = sentence.where.find(({ line }) => line !== null) ?? sentence.where[0];
        const lit = isLit !== undefined && sentence.where.some(isLit);
        const text = (
          <>
            {sentence.text}
            {where ? <span className={classes.source}>{sourceOf(where)}</span> : null}
          </>
        );
        return (
          <li key={index}>
            {where && onOpen && where.line !== null ? (
              <UnstyledButton
                className={classes.item}
                data-lit={lit || undefined}
                title={`Go to ${sourceOf(where)}`}
                onMouseEnter={() => onPoint?.(where)}
                onMouseLeave={() => onPoint?.(null)}
                onFocus={() => onPoint?.(where)}
                onBlur={() => onPoint?.(null)}
                onClick={() => onOpen(where)}
              >
                {text}
              </UnstyledButton>
            ) : (
              <span className={classes.item} data-lit={lit || undefined}>
                {text}
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
