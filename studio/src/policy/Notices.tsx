import { Button } from '@mantine/core';
import classes from './Room.module.css';
import type { useFile } from './useFile';

interface NoticesProps {
  held: ReturnType<typeof useFile>;
  /** Opens the two texts of a conflict. */
  compare: () => void;
  language: boolean;
  policy: boolean;
}

/** What a person has to know of the open file before going on: one sentence each, and what can be done. */
export function Notices({ held, compare, language, policy }: NoticesProps) {
  const { conflict, restored, kept, otherTab } = held;
  return (
    <>
      {conflict ? (
        <div className={classes.notice} role="alert">
          <span>The file was changed from elsewhere while you changed it here. Both texts are kept.</span>
          <Button size="compact-xs" onClick={compare}>
            Show both
          </Button>
        </div>
      ) : null}
      {restored !== null && !conflict ? (
        <div className={classes.notice} role="status">
          <span>
            Your unsaved changes{restored ? ` of ${new Date(restored).toLocaleString()}` : ''} are back.
          </span>
          <Button size="compact-xs" variant="default" onClick={held.hideRestored}>
            Good
          </Button>
          <Button size="compact-xs" variant="default" onClick={held.discard}>
            Throw them away
          </Button>
        </div>
      ) : null}
      {otherTab ? (
        <div className={classes.notice} role="status">
          Another tab holds other unsaved changes to this file. Save in one of them; the other then shows both texts.
        </div>
      ) : null}
      {kept ? null : (
        <div className={classes.notice} role="alert">
          This browser has no room to keep unsaved changes: save often.
        </div>
      )}
      {policy && !language ? (
        <div className={classes.notice} role="status">
          The language server is not connected: completion and quick fixes come back with it. It is tried again.
        </div>
      ) : null}
      {held.file.data && !held.file.data.writable ? (
        <div className={classes.notice}>The studio may read this file, and not write it.</div>
      ) : null}
    </>
  );
}
