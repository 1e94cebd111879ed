import classes from './Rate.module.css';
import { percent } from './numbers';

interface RateProps {
  value: number | null;
  low: number;
  high: number;
  /** What it is a share of, for screen readers. */
  of?: string;
  /** Draw the interval below the figures. */
  bar?: boolean;
}

/** A share in per cent with its 95 % interval, in figures and as a line. */
export function Rate({ value, low, high, of, bar = true }: RateProps) {
  if (value === null) return <span className={classes.none}>no cases</span>;
  return (
    <span className={classes.rate}>
      <span className={classes.figures}>
        <span className={classes.value}>{percent(value)}</span>
        <span aria-hidden className={classes.interval}>
          {percent(low)}–{percent(high)}
        </span>
        <span className={classes.said}>
          {' '}
          per cent{of ? ` of ${of}` : ''}, between {percent(low)} and {percent(high)}
        </span>
      </span>
      {bar ? (
        <svg className={classes.bar} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden>
          <rect className={classes.track} x="0" y="2" width="100" height="2" />
          <rect className={classes.range} x={100 * low} y="1.5" width={Math.max(0.8, 100 * (high - low))} height="3" />
          <rect className={classes.mark} x={Math.min(98.8, Math.max(0, 100 * value - 0.6))} y="0" width="1.2" height="6" />
        </svg>
      ) : null}
    </span>
  );
}
