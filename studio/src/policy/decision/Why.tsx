import { ActionIcon, Tree, type TreeNodeData, UnstyledButton, useTree, VisuallyHidden } from '@mantine/core';
import { IconCheck, IconChevronDown, IconChevronRight, IconHelp, IconX } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { Truth } from '../../api/types';
import { valueSaid } from '../../parts/states';
import { useBench } from '../bench';
import { useRoom } from '../store';
import classes from './Decision.module.css';

const SIGN = {
  true: { icon: IconCheck, word: 'holds', color: 'var(--comply)' },
  false: { icon: IconX, word: 'does not hold', color: 'var(--refuse)' },
  maybe: { icon: IconHelp, word: 'cannot be told', color: 'var(--warn)' },
} as const;

interface Node extends TreeNodeData {
  truth: Truth;
}

function nodesOf(truths: readonly Truth[], above: string): Node[] {
  return truths.map((truth, index) => {
    const value = `${above}${index}`;
    const children = nodesOf(truth.children, `${value}.`);
    return { value, truth, label: truth.label, ...(children.length > 0 ? { children } : {}) };
  });
}

/** What is open at first: the way to what counts, and two steps of it. */
function opened(nodes: readonly Node[], depth = 0, into: Record<string, boolean> = {}): Record<string, boolean> {
  for (const node of nodes) {
    if (depth < 2 && (depth === 0 || node.truth.truth !== 'false')) into[node.value] = true;
    opened((node.children ?? []) as Node[], depth + 1, into);
  }
  return into;
}

/** Why a case is decided so: the conditions of the rules, each with what it came to. */
export function Why({ why }: { why: Truth }) {
  const nodes = useMemo(() => nodesOf(why.children, ''), [why]);
  return <WhyTree key={nodes.map((node) => node.truth.label).join('|')} nodes={nodes} />;
}

function WhyTree({ nodes }: { nodes: Node[] }) {
  const bench = useBench();
  const lit = useRoom((room) => (room.lit?.path === bench.path ? room.lit.line : null));
  const tree = useTree({ initialExpandedState: opened(nodes) });
  return (
    <Tree
      aria-label="Why it is decided so"
      data={nodes}
      tree={tree}
      levelOffset={18}
      withLines
      expandOnClick={false}
      renderNode={({ node, expanded, hasChildren, elementProps }) => {
        const { truth } = node as Node;
        const sign = SIGN[truth.truth];
        return (
          <div {...elementProps}>
            <div
              className={classes.truth}
              data-lit={(truth.line !== null && truth.line === lit) || undefined}
              onMouseEnter={() => bench.point(truth)}
              onMouseLeave={() => bench.point(null)}
            >
              {hasChildren ? (
                <ActionIcon size={18} tabIndex={-1} aria-label={expanded ? 'Fold' : 'Unfold'} onClick={() => tree.toggleExpanded(node.value)}>
                  {expanded ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
                </ActionIcon>
              ) : (
                <span style={{ width: 18, flex: 'none' }} />
              )}
              <sign.icon size={15} stroke={2.4} color={sign.color} aria-hidden />
              <VisuallyHidden>{sign.word}: </VisuallyHidden>
              <span>
                {truth.line === null ? (
                  truth.label
                ) : (
                  <UnstyledButton fz="inherit" tabIndex={-1} title={`Go to line ${truth.line}`} onClick={() => bench.goTo({ line: truth.line })}>
                    {truth.label}
                  </UnstyledButton>
                )}{' '}
                {truth.fact ? <span className={classes.value}>({truth.value === null ? 'not known' : valueSaid(truth.value)})</span> : null}
              </span>
            </div>
          </div>
        );
      }}
    />
  );
}
