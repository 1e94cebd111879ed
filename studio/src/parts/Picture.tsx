import { IconPhotoOff } from '@tabler/icons-react';
import { useState } from 'react';
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
  const [failed, setFailed] = useState<string | null>(null);
  const [small, setSmall] = useState(false);
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
