import { IconPhotoOff } from '@tabler/icons-react';
import { useState } from 'react';
import { useConnection } from '../api/connection';
import classes from './Picture.module.css';

interface PictureProps {
  src: string;
  /** What a screen reader says; empty where the words beside it say it already. */
  alt: string;
  /** Whether to wait with loading until it comes into view. */
  lazy?: boolean;
}

/** Below this many pixels a side a picture is drawn with its pixels as they are: smoothed, nothing in it could be told. */
const SMALL = 160;

/** A picture of a request, whole, in the frame that its parent gives it. */
export function Picture({ src, alt, lazy = false }: PictureProps) {
  const up = useConnection(({ state }) => state === 'up');
  const [failed, setFailed] = useState<string | null>(null);
  const [small, setSmall] = useState(false);
  // What could not be loaded from a server that was gone is loaded when it is back.
  const [wasUp, setWasUp] = useState(up);
  if (up !== wasUp) {
    setWasUp(up);
    if (up) setFailed(null);
  }
  if (failed === src) {
    return (
      <span className={classes.missing} role={alt ? 'img' : undefined} aria-label={alt ? `${alt}: it cannot be shown` : undefined}>
        <IconPhotoOff size={20} stroke={1.6} aria-hidden />
        <span>The picture cannot be shown</span>
      </span>
    );
  }
  return (
    <img
      className={classes.picture}
      data-small={small || undefined}
      src={src}
      alt={alt}
      loading={lazy ? 'lazy' : 'eager'}
      decoding="async"
      draggable={false}
      onLoad={(event) => setSmall(event.currentTarget.naturalWidth <= SMALL)}
      onError={() => setFailed(src)}
    />
  );
}
