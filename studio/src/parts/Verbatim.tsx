import { Button } from '@mantine/core';
import { useState } from 'react';
import classes from './Verbatim.module.css';

/**
 * Signs that are not seen and change what is: control signs, those that turn the direction of a text, those without a
 * width, and tags; and more accents on one letter than any language has. (Joiners stay: emoji and scripts need them.)
 */
const UNSEEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]+|(?<=\p{M}{8})\p{M}+/gu;
const NAMED = 3;
/** Signs that are shown at first where a text may have any number. */
const AT_FIRST = 5_000;

const codeOf = (sign: string): string => `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

function nameOf(signs: string): string {
  const codes = Array.from(signs, codeOf);
  return codes.length > NAMED ? `${codes[0]} and ${codes.length - 1} more` : codes.join(' ');
}

interface VerbatimProps {
  text: string;
}

/**
 * A text that comes from elsewhere, as it is: nothing of it is markup, signs that are not seen are named, and where it is
 * written from the right it turns nothing around it.
 */
export function Verbatim({ text }: VerbatimProps) {
  const parts: React.ReactNode[] = [];
  let from = 0;
  for (const found of text.matchAll(UNSEEN)) {
    parts.push(
      text.slice(from, found.index),
      <span key={found.index} className={classes.unseen} title="Signs of the text that would not be seen">
        {nameOf(found[0])}
      </span>,
    );
    from = found.index + found[0].length;
  }
  return (
    <bdi>
      {parts}
      {text.slice(from)}
    </bdi>
  );
}

/** A text that may be of any length: of a very long one the beginning, and a button that shows the rest. */
export function LongVerbatim({ text }: VerbatimProps) {
  const [shown, setShown] = useState<string | null>(null);
  if (text.length <= AT_FIRST || shown === text) return <Verbatim text={text} />;
  return (
    <>
      {/* Not within a sign of two parts. */}
      <Verbatim text={text.slice(0, AT_FIRST).replace(/[\ud800-\udbff]$/, '')} />…{' '}
      <Button variant="default" size="compact-xs" onClick={() => setShown(text)}>
        Show all {text.length.toLocaleString('en')} signs
      </Button>
    </>
  );
}
