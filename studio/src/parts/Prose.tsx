import { Fragment } from 'react';
import { Verbatim } from './Verbatim';
import { piecesOf } from './words';

/** A sentence of the studio's: what stands between backticks (a file, a name) is shown as code. */
export function Prose({ text }: { text: string }) {
  return (
    <span>
      {piecesOf(text).map((piece, place) => {
        const said = <Verbatim text={piece.text} />;
        return piece.code ? <code key={place}>{said}</code> : <Fragment key={place}>{said}</Fragment>;
      })}
    </span>
  );
}
