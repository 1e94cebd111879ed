/**
 * The shapes that the server answers with, as `/api/v1/openapi.json` publishes them.
 */

export interface Session {
  version: string;
  folder: string;
  root_uri: string;
  demo: boolean;
  recipes: string[];
  /** The policy in the folder that each recipe is of. */
  recipe_policies: Record<string, string>;
  policies: string[];
  runs: string[];
}

export interface FileNode {
  name: string;
  path: string;
  kind: 'folder' | 'policy' | 'recipe' | 'run' | 'reviews' | 'other';
  children: FileNode[] | null;
}

export interface FileTree {
  children: FileNode[];
  /** False where the folder holds more than is listed. */
  complete: boolean;
}

export interface FileText {
  path: string;
  text: string;
  digest: string;
  writable: boolean;
}

/** A policy: the file at `path`, with the editor's unsaved text where there is one. */
export interface Source {
  path: string;
  text: string | null;
}

export type Verdict = 'comply' | 'warn' | 'clarify' | 'redirect' | 'refuse';

export interface FactValue {
  name: string;
  label: string;
  parent: string | null;
}

export interface Band {
  name: string;
  label: string;
  low: number;
  high: number;
}

export type FactKind = 'flag' | 'one_of' | 'set' | 'taxonomy' | 'score' | 'text';

export interface Fact {
  name: string;
  label: string;
  of: string;
  kind: FactKind;
  values: FactValue[];
  low: number | null;
  high: number | null;
  bands: Band[];
  line: number | null;
}

export type Value = boolean | number | string | string[];
/** What a case says of a fact. A fact that is absent from the case: nobody looked. */
export type State = { state: 'cannot_be_told'; value?: null } | { state: 'known'; value: Value };

export interface Case {
  facts: Record<string, State>;
}

export interface Where {
  rule: string | null;
  fact: string | null;
  line: number | null;
  path: string | null;
}

export type Part = 'see' | 'ask' | 'weigh' | 'decide' | 'answer';

export interface Sentence {
  text: string;
  part: Part;
  /** No author wrote it for this place: it was made of what stands there. */
  built: boolean;
  where: Where[];
}

export interface Truth {
  label: string;
  truth: 'true' | 'false' | 'maybe';
  line: number | null;
  rule: string | null;
  fact: string | null;
  value: Value | null;
  children: Truth[];
}

export interface TextEdit {
  start_line: number;
  start_character: number;
  end_line: number;
  end_character: number;
  text: string;
}

export interface Fix {
  title: string;
  edits: TextEdit[];
}

export interface Finding {
  code: string;
  severity: string;
  title: string;
  message: string;
  help: string | null;
  path: string | null;
  line: number;
  end_line: number;
  fix: Fix | null;
  witness: Case | null;
}

export interface RuleRef {
  rule: string;
  verdict: Verdict;
  line: number | null;
  path: string | null;
  label: string;
}

export interface Decision {
  verdict: Verdict;
  /** What the verdict asks for, in a sentence. */
  meaning: string;
  possible: Verdict[];
  certain: boolean;
  deciding: RuleRef[];
  in_question: RuleRef[];
  nearest: RuleRef | null;
  why: Truth;
  reasoning: Sentence[];
  answer: Sentence[];
  /** The answer itself comes from a model or a data source. */
  needs_answer: boolean;
  unsettled: string[];
  assumed: Record<string, Value>;
  milliseconds: number;
}

export interface ExampleItem {
  name: string;
  kind: 'example' | 'property' | 'law';
  line: number | null;
  state: 'holds' | 'fails' | 'not_decided';
  message: string | null;
  /** An example's own case, or one in which a claim does not hold. */
  witness: Case | null;
  /** The second case of a claim on changes. */
  after: Case | null;
}

export interface ChangedRegion {
  sentence: string;
  before: Verdict;
  after: Verdict;
  rules: string[];
  witness: Case;
}

export interface ChangedRows {
  changed: number;
  total: number;
  rows: { id: string; request: string; before: string; after: string | null }[];
}

export interface Changes {
  complete: boolean;
  message: string;
  regions: ChangedRegion[];
  rows: ChangedRows | null;
}

export interface Revision {
  revision: string;
  subject: string;
  date: string;
}

export interface CoveredLine {
  line: number;
  end_line: number;
  reached: boolean;
  examples: number;
  rows: number;
  what: string;
  /** What of it nothing has exercised. */
  missing: string[];
}

export interface Coverage {
  lines: CoveredLine[];
  rows: number;
  complete: boolean;
}

export interface GraphNode {
  id: string;
  kind: 'rule' | 'exception' | 'default' | 'fact';
  label: string;
  verdict: Verdict | null;
  line: number | null;
  path: string | null;
}

export interface GraphEdge {
  from: string;
  to: string;
  kind: 'reads' | 'except';
}

export interface RulesPicture {
  nodes: GraphNode[];
  edges: GraphEdge[];
  neighbours: Record<string, string[]>;
  findings: Finding[];
}

export interface Annotated {
  facts: Record<string, { state: State; annotator: string; detail: string }>;
  left_out: { fact: string; reason: string }[];
}

export interface Job {
  id: string;
  kind: string;
  state: 'running' | 'done' | 'stopped' | 'failed';
  done: number | null;
  total: number | null;
  line: string;
  message: string | null;
  started: string;
  path: string | null;
  /** The data set whose reviews it takes. */
  run: string | null;
  out: string | null;
}
