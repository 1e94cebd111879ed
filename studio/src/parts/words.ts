/** A message of the server's with a capital, as it stands at the beginning of a line. */
export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A message as a sentence of its own. */
export const asSentence = (text: string): string => (/[.!?]$/.test(text) ? capitalised(text) : `${capitalised(text)}.`);

/** A piece of a sentence: code where the sentence has it between backticks. */
export interface Piece {
  text: string;
  code: boolean;
}

/** The pieces of a sentence of the studio's, in which code stands between backticks; a backtick alone is one. */
export const piecesOf = (sentence: string): Piece[] =>
  sentence
    .split(/(`[^`]+`)/)
    .filter((text) => text !== '')
    .map((text) => (/^`[^`]+`$/.test(text) ? { text: text.slice(1, -1), code: true } : { text, code: false }));
