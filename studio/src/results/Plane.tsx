import { Tooltip } from '@mantine/core';
import { CartesianGrid, ErrorBar, ReferenceLine, ResponsiveContainer, Scatter, ScatterChart, XAxis, YAxis } from 'recharts';
import type { KeyboardEvent } from 'react';
import { percent } from '../parts/numbers';
import { armName } from './arms';
import classes from './Plane.module.css';
import type { Arm } from './types';

interface PlaneProps {
  arms: readonly Arm[];
  runs: number;
  tint: ReadonlyMap<string, string>;
  /** The over-refusals of an arm are wanted. */
  onOpen: (arm: Arm) => void;
}

interface Point {
  x: number;
  y: number;
  acrossError: [number, number];
  upError: [number, number];
  arm: Arm;
  name: string;
  color: string;
  labelLeft: boolean;
  /** How many points before it lie at the same place: their names stand above each other. */
  stack: number;
}

const TICKS = [0, 0.25, 0.5, 0.75, 1];
const asPercent = (share: number) => String(Math.round(100 * share));

/** Over-refusal (across) against safe refusal (up) with 95 % intervals; the best corner is the upper left. */
export function Plane({ arms, runs, tint, onOpen }: PlaneProps) {
  const points = arms.flatMap((arm): Point[] => {
    const { safe_refusal: safe, over_refusal: over } = arm;
    if (safe.value === null || over.value === null) return [];
    return [
      {
        x: over.value,
        y: safe.value,
        acrossError: [over.value - over.low, over.high - over.value],
        upError: [safe.value - safe.low, safe.high - safe.value],
        arm,
        name: armName(arm, runs),
        color: tint.get(arm.arm) ?? 'var(--mantine-color-text)',
        labelLeft: over.value > 0.6,
        stack: 0,
      },
    ];
  });
  const near = (a: Point, b: Point) => Math.abs(a.x - b.x) < 0.08 && Math.abs(a.y - b.y) < 0.05;
  points.forEach((point, place) => {
    point.stack = points.slice(0, place).filter((other) => near(point, other)).length;
  });
  // A baseline's square is drawn below: an arm that lies on it is seen within it.
  const drawn = points.toSorted((a, b) => Number(b.arm.baseline) - Number(a.arm.baseline));
  return (
    <figure className={classes.figure}>
      <figcaption className={classes.caption}>
        <strong className={classes.title}>Over-refusal against safe refusal</strong>
        Up: share of what must be refused that is refused. Across: share of what must be answered that is refused. Better is up and to the left. Choose an arm
        to see its over-refusals.
      </figcaption>
      <div className={classes.chart}>
        <ResponsiveContainer width="100%" height="100%">
          <ScatterChart margin={{ top: 12, right: 16, bottom: 26, left: 6 }} accessibilityLayer={false}>
            <CartesianGrid stroke="var(--line)" />
            <ReferenceLine
              segment={[
                { x: 0, y: 0 },
                { x: 1, y: 1 },
              ]}
              stroke="var(--mantine-color-dimmed)"
              strokeDasharray="4 4"
            />
            <XAxis
              type="number"
              dataKey="x"
              domain={[0, 1]}
              ticks={TICKS}
              tickFormatter={asPercent}
              stroke="var(--mantine-color-dimmed)"
              tick={{ fill: 'var(--mantine-color-dimmed)', fontSize: 12 }}
              label={{ value: 'Over-refusal, per cent', position: 'insideBottom', offset: -18, fill: 'var(--mantine-color-dimmed)', fontSize: 12 }}
            />
            <YAxis
              type="number"
              dataKey="y"
              domain={[0, 1]}
              ticks={TICKS}
              width={48}
              tickFormatter={asPercent}
              stroke="var(--mantine-color-dimmed)"
              tick={{ fill: 'var(--mantine-color-dimmed)', fontSize: 12 }}
              label={{ value: 'Safe refusal, per cent', angle: -90, position: 'insideLeft', offset: 10, dy: 60, fill: 'var(--mantine-color-dimmed)', fontSize: 12 }}
            />
            {drawn.map((point) => (
              <Scatter
                key={`${point.arm.run} ${point.arm.arm}`}
                data={[point]}
                isAnimationActive={false}
                shape={(shape: { cx?: number; cy?: number }) => (
                  <Mark cx={shape.cx ?? 0} cy={shape.cy ?? 0} point={point} onOpen={() => onOpen(point.arm)} />
                )}
              >
                <ErrorBar dataKey="acrossError" direction="x" width={4} strokeWidth={1.5} stroke={point.color} isAnimationActive={false} />
                <ErrorBar dataKey="upError" direction="y" width={4} strokeWidth={1.5} stroke={point.color} isAnimationActive={false} />
              </Scatter>
            ))}
          </ScatterChart>
        </ResponsiveContainer>
      </div>
    </figure>
  );
}

function Mark({ cx, cy, point, onOpen }: { cx: number; cy: number; point: Point; onOpen: () => void }) {
  const { arm, name, color, labelLeft, stack } = point;
  const said = `${name}: safe refusal ${percent(point.y)} per cent, over-refusal ${percent(point.x)} per cent. Show its over-refusals`;
  const rise = cy < 30 + 15 * stack ? 20 + 15 * stack : -12 - 15 * stack;
  return (
    <Tooltip label={said}>
      <g
        role="button"
        tabIndex={0}
        aria-label={said}
        className={classes.point}
        data-arm={arm.arm}
        onClick={onOpen}
        onKeyDown={(event: KeyboardEvent) => {
          if (event.key !== 'Enter' && event.key !== ' ') return;
          event.preventDefault();
          onOpen();
        }}
      >
        <circle cx={cx} cy={cy} r={16} fill="transparent" />
        {arm.baseline ? (
          <rect x={cx - 5} y={cy - 5} width={10} height={10} fill="var(--mantine-color-body)" stroke={color} strokeWidth={2} />
        ) : (
          <circle className={classes.dot} cx={cx} cy={cy} r={6.5} fill={color} stroke="var(--mantine-color-body)" strokeWidth={1.5} />
        )}
        <text x={cx + (labelLeft ? -12 : 12)} y={cy + rise} textAnchor={labelLeft ? 'end' : 'start'} fill="currentColor" fontSize={12} fontWeight={arm.baseline ? 400 : 600}>
          {name}
        </text>
      </g>
    </Tooltip>
  );
}
