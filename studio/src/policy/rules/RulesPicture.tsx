import { ActionIcon, Button, Group, Select, Switch, Text, Tooltip, UnstyledButton } from '@mantine/core';
import { IconHierarchy, IconMinus, IconPlus } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import type { GraphNode, RulesPicture as Picture } from '../../api/types';
import { Empty } from '../../parts/Empty';
import { Loading } from '../../parts/Loading';
import { useBench } from '../bench';
import below from '../below/Below.module.css';
import { NotNow } from '../below/NotNow';
import type { Live } from '../live';
import { useRoom } from '../store';
import { laidOut, pathOf } from './layout';
import classes from './Rules.module.css';

/** From how many rules on one is shown with its neighbours, and not all at once. */
const MANY = 80;

/** The policy as a picture: what rules read, and the exceptions to them. */
export function RulesPicture({ live }: { live: Live<Picture> }) {
  if (!live.data) return live.error ? <NotNow error={live.error} /> : <Loading what="the rules" />;
  const rules = live.data.nodes.filter((node) => node.kind !== 'fact');
  if (rules.length === 0) {
    return (
      <Empty icon={IconHierarchy} title="No rules yet">
        Write one in the text, such as <code>rule name {'{ when … verdict refuse }'}</code>, and it stands here with what it reads.
      </Empty>
    );
  }
  return (
    <>
      {live.error ? <NotNow error={live.error} /> : null}
      <Drawn picture={live.data} rules={rules} />
    </>
  );
}

function Drawn({ picture, rules }: { picture: Picture; rules: readonly GraphNode[] }) {
  const bench = useBench();
  const lit = useRoom((room) => (room.lit?.path === bench.path ? room.lit.line : null));
  const [chosen, setChosen] = useState<string | null>(rules.length > MANY ? (rules[0]?.id ?? null) : null);
  const [withFacts, setWithFacts] = useState(true);
  const [zoom, setZoom] = useState(1);
  const many = rules.length > MANY;

  const drawn = useMemo(() => {
    const near = new Set(many && chosen ? [chosen, ...(picture.neighbours[chosen] ?? [])] : rules.map((rule) => rule.id));
    const edges = picture.edges.filter(
      ({ from, to, kind }) => near.has(from) && (kind === 'reads' ? withFacts : near.has(to)),
    );
    const read = new Set(edges.filter((edge) => edge.kind === 'reads').map((edge) => edge.to));
    return laidOut(
      picture.nodes.filter((node) => near.has(node.id) || read.has(node.id)),
      edges,
    );
  }, [picture, rules, many, chosen, withFacts]);

  const touching = useMemo(() => {
    if (chosen === null) return null;
    const near = new Set([chosen]);
    for (const { from, to } of picture.edges) {
      if (from === chosen) near.add(to);
      if (to === chosen) near.add(from);
    }
    return near;
  }, [picture, chosen]);

  const one = picture.nodes.find((node) => node.id === chosen);
  const neighbours = (chosen ? (picture.neighbours[chosen] ?? []) : [])
    .map((id) => picture.nodes.find((node) => node.id === id))
    .filter((node) => node !== undefined);

  return (
    <section className={classes.pane} aria-label="Rules as a picture">
      <div className={below.bar}>
        <Select
          w={230}
          aria-label="A rule and its neighbours"
          placeholder={many ? 'Choose a rule' : 'Choose a rule or a fact'}
          searchable
          clearable={!many}
          value={chosen}
          onChange={setChosen}
          comboboxProps={{ shadow: 'md' }}
          data={picture.nodes.map((node) => ({ value: node.id, label: node.label }))}
        />
        <Switch size="xs" label="What they read" checked={withFacts} onChange={(event) => setWithFacts(event.currentTarget.checked)} />
        <Group gap={2} ml="auto">
          <Tooltip label="Smaller">
            <ActionIcon aria-label="Smaller" onClick={() => setZoom((now) => Math.max(0.4, now - 0.15))}>
              <IconMinus size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Larger">
            <ActionIcon aria-label="Larger" onClick={() => setZoom((now) => Math.min(1.6, now + 0.15))}>
              <IconPlus size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </Group>
      </div>
      {one ? (
        <div className={below.bar} style={{ position: 'static' }}>
          <strong>{one.label}</strong>
          <Button size="compact-xs" variant="default" disabled={one.line === null} onClick={() => bench.goTo(one)}>
            {one.line === null ? 'Comes from a library' : `Go to line ${one.line}`}
          </Button>
          {neighbours.length > 0 ? (
            <Text size="xs" c="dimmed">
              Neighbours:
            </Text>
          ) : null}
          {neighbours.map((node) => (
            <UnstyledButton key={node.id} fz="xs" td="underline" onClick={() => setChosen(node.id)}>
              {node.label}
            </UnstyledButton>
          ))}
        </div>
      ) : null}
      <div className={classes.field} tabIndex={0} role="group" aria-label="The picture; it scrolls">
        <div style={{ width: drawn.width * zoom, height: drawn.height * zoom }}>
          <div className={classes.sheet} style={{ width: drawn.width, height: drawn.height, transform: `scale(${zoom})` }}>
            <svg className={classes.lines} width={drawn.width} height={drawn.height} aria-hidden>
              {drawn.lines.map(({ edge, points }) => {
                const on = edge.from === chosen || edge.to === chosen;
                return (
                  <path
                    key={`${edge.from} ${edge.to} ${edge.kind}`}
                    d={pathOf(points)}
                    data-kind={edge.kind}
                    data-on={on || undefined}
                    data-dim={(touching !== null && !on) || undefined}
                  />
                );
              })}
            </svg>
            {drawn.boxes.map(({ node, x, y, width, height }) => (
              <UnstyledButton
                key={node.id}
                className={classes.box}
                style={{ left: x, top: y, width, height }}
                data-kind={node.kind}
                data-verdict={node.verdict ?? undefined}
                data-chosen={node.id === chosen || undefined}
                data-lit={(node.line !== null && node.line === lit) || undefined}
                data-dim={(touching !== null && !touching.has(node.id)) || undefined}
                aria-pressed={node.id === chosen}
                aria-label={`${node.kind} ${node.label}${node.verdict ? `, ${node.verdict}` : ''}`}
                title={`${node.label}: choose it; twice goes to its line`}
                onMouseEnter={() => bench.point(node)}
                onMouseLeave={() => bench.point(null)}
                onFocus={() => bench.point(node)}
                onBlur={() => bench.point(null)}
                onClick={() => setChosen(node.id === chosen && !many ? null : node.id)}
                onDoubleClick={() => bench.goTo(node)}
              >
                <span className={classes.one}>{node.label}</span>
                {node.verdict ? (
                  <span className={classes.two}>
                    {node.verdict}
                    {node.kind === 'exception' ? ' (exception)' : ''}
                  </span>
                ) : null}
              </UnstyledButton>
            ))}
          </div>
        </div>
      </div>
    </section>
  );
}
