import { Graph, layout } from '@dagrejs/dagre';
import type { GraphEdge, GraphNode } from '../../api/types';

export interface Box {
  node: GraphNode;
  /** The box's place and size, in pixels from the top left. */
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Line {
  edge: GraphEdge;
  /** The corners that the line goes by. */
  points: { x: number; y: number }[];
}

export interface Layout {
  boxes: Box[];
  lines: Line[];
  width: number;
  height: number;
}

const SIZE = { fact: { width: 176, height: 34 }, rule: { width: 210, height: 48 } };

/** Facts on the left, the rules that read them, and the exceptions to those on the right. */
export function laidOut(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): Layout {
  const graph = new Graph<{ rankdir: string; nodesep: number; ranksep: number; marginx: number; marginy: number }, { width: number; height: number; x?: number; y?: number }, { points?: { x: number; y: number }[] }>();
  graph.setGraph({ rankdir: 'LR', nodesep: 10, ranksep: 90, marginx: 16, marginy: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { ...(node.kind === 'fact' ? SIZE.fact : SIZE.rule) });
  const drawn = edges.filter((edge) => graph.hasNode(edge.from) && graph.hasNode(edge.to));
  // Both kinds of edge point at what stands further left.
  for (const edge of drawn) graph.setEdge(edge.to, edge.from, {});
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width,
    height,
    boxes: nodes.map((node) => {
      const { x = 0, y = 0, width: wide, height: high } = graph.node(node.id);
      return { node, x: x - wide / 2, y: y - high / 2, width: wide, height: high };
    }),
    lines: drawn.map((edge) => ({ edge, points: graph.edge(edge.to, edge.from).points ?? [] })),
  };
}

/** A smooth path by the corners of a line. */
export function pathOf(points: readonly { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  let path = `M${first.x},${first.y}`;
  let before = first;
  for (const point of rest) {
    const middle = (before.x + point.x) / 2;
    path += ` C${middle},${before.y} ${middle},${point.y} ${point.x},${point.y}`;
    before = point;
  }
  return path;
}
