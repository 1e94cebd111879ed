/** An act of a key that does nothing while a dialog is open: its keys are the dialog's. */
export function unlessDialog(act: () => void): () => void {
  return () => {
    if (!document.querySelector('[aria-modal="true"]')) act();
  };
}
