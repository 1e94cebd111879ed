import { Button, UnstyledButton } from '@mantine/core';
import { IconCircleCheck, IconCircleDashed, IconCircleX, IconListCheck } from '@tabler/icons-react';
import type { ExampleItem } from '../../api/types';
import { Empty } from '../../parts/Empty';
import { Loading } from '../../parts/Loading';
import { Prose } from '../../parts/Prose';
import { useBench } from '../bench';
import { findingsOf, type Live } from '../live';
import { useRoom } from '../store';
import classes from './Below.module.css';
import { NotNow } from './NotNow';

const SIGNS = {
  holds: { icon: IconCircleCheck, color: 'var(--comply)', word: 'holds' },
  fails: { icon: IconCircleX, color: 'var(--refuse)', word: 'fails' },
  not_decided: { icon: IconCircleDashed, color: 'var(--warn)', word: 'not decided' },
} as const;
const KINDS = { example: 'Example', property: 'Claim', law: 'Claim on changes' } as const;
/** What fails comes first. */
const ORDER = ['fails', 'not_decided', 'holds'];

/** What the policy says of itself, and whether it holds now. */
export function Examples({ live, claims }: { live: Live<{ items: ExampleItem[] }>; claims: Live<{ items: ExampleItem[] }> }) {
  const bench = useBench();
  const lit = useRoom((room) => (room.lit?.path === bench.path ? room.lit.line : null));
  if (!live.data) return findingsOf(live.error) || live.error ? <NotNow error={live.error} /> : <Loading what="the examples" />;
  const items = [...live.data.items, ...(claims.data?.items ?? [])].sort((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state));
  if (items.length === 0 && !claims.busy) {
    return (
      <Empty icon={IconListCheck} title="No examples and no claims yet">
        Fill in a case, look at its verdict, and choose “Keep as example”: from then on every change of the policy is held against it.
      </Empty>
    );
  }
  const failing = items.filter((item) => item.state === 'fails').length;
  return (
    <>
      {live.error ? <NotNow error={live.error} /> : null}
      <div className={classes.bar} role="status">
        {failing > 0 ? `${failing} of ${items.length} do not hold` : `All ${items.length} hold`}
        {claims.busy || claims.old ? '; the claims are being proved' : ''}
      </div>
      <ul className={classes.list}>
        {items.map((item) => {
          const sign = SIGNS[item.state];
          return (
            <li
              key={`${item.kind} ${item.name} ${item.line ?? 0}`}
              className={classes.item}
              data-lit={(item.line !== null && item.line === lit) || undefined}
              onMouseEnter={() => bench.point(item)}
              onMouseLeave={() => bench.point(null)}
            >
              <sign.icon size={16} stroke={1.8} color={sign.color} aria-label={sign.word} />
              <div className={classes.grow}>
                <UnstyledButton className={classes.title} onClick={() => bench.goTo(item)}>
                  {item.name}
                </UnstyledButton>
                {item.message ? (
                  <div className={classes.more}>
                    <Prose text={item.message} />
                  </div>
                ) : null}
              </div>
              <span className={classes.code}>
                {KINDS[item.kind]}
                {item.line === null ? '' : ` · line ${item.line}`}
              </span>
              {item.witness ? (
                <Button size="compact-xs" variant="default" onClick={() => item.witness && bench.openCase(item.witness, item.name)}>
                  {item.state === 'holds' ? 'Open its case' : 'Open the case that breaks it'}
                </Button>
              ) : null}
            </li>
          );
        })}
      </ul>
    </>
  );
}
