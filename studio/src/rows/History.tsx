import { Text } from '@mantine/core';
import { stateSaid } from '../parts/states';
import { LongVerbatim, Verbatim } from '../parts/Verbatim';
import classes from './History.module.css';
import type { Review, RowFact } from './types';

/** What has been said of a row, by whom and when, the latest first. */
export function History({ reviews, facts }: { reviews: readonly Review[]; facts: readonly RowFact[] }) {
  if (reviews.length === 0) return null;
  const label = new Map(facts.map((fact) => [fact.name, fact.label]));
  return (
    <section aria-labelledby="row-history">
      <h2 id="row-history" className={classes.title}>
        Reviews
      </h2>
      <ol className={classes.list}>
        {reviews.toReversed().map((review) => (
          <li key={review.id}>
            <Text size="sm">
              <strong>
                <Verbatim text={review.reviewer} />
              </strong>{' '}
              <Verbatim text={said(review, label)} />
            </Text>
            {review.comment ? (
              <Text className={classes.words}>
                <Verbatim text={review.comment} />
              </Text>
            ) : null}
            {review.answer ? (
              <Text className={classes.words}>
                <LongVerbatim text={review.answer} />
              </Text>
            ) : null}
            <Text size="xs" c="dimmed">
              <time dateTime={review.at}>{when(review.at)}</time>
            </Text>
          </li>
        ))}
      </ol>
    </section>
  );
}

function said(review: Review, label: ReadonlyMap<string, string>): string {
  switch (review.action) {
    case 'accept':
      return 'accepted the row';
    case 'reject':
      return 'rejected the row';
    case 'change_fact':
      return `set “${label.get(review.fact ?? '') ?? review.fact}” to ${stateSaid(review.state)}`;
    case 'change_answer':
      return 'changed the answer';
    case 'comment':
      return 'commented';
    case 'undo':
      return 'undid a review';
  }
}

function when(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}
