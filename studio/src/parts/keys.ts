/**
 * Whether a dialog was open when the key went down. This listener is the first of the window's, so it sees the page as it
 * was: an Escape that closes a dialog takes the dialog away before the other listeners are asked.
 */
let dialogWasOpen = false;
window.addEventListener(
  'keydown',
  () => {
    dialogWasOpen = document.querySelector('[aria-modal="true"]') !== null;
  },
  { capture: true },
);

/** An act of a key that does nothing where a dialog was open: its keys are the dialog's. */
export function unlessDialog(act: () => void): () => void {
  return () => {
    if (!dialogWasOpen) act();
  };
}
