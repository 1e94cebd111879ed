import type { ReactNode } from 'react';
import { FileTree } from './FileTree';
import classes from './Room.module.css';

interface WithoutFileProps {
  folder: string;
  /** The file that does not open, or null where there is none to open. */
  path: string | null;
  children: ReactNode;
}

/** The room while no file is open: the files that there are, and what to do. */
export function WithoutFile({ folder, path, children }: WithoutFileProps) {
  return (
    <div className={classes.without}>
      <div>{children}</div>
      <FileTree folder={folder} path={path} />
    </div>
  );
}
