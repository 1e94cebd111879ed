// The types that the page is written in, held against what the server publishes (`npm run schema` makes `schema.ts` of
// its OpenAPI page): what does not fit does not compile. Nothing of this is in the built page.
import type * as results from '../results/types';
import type * as rows from '../rows/types';
import type { components } from './schema';
import type * as page from './types';

type Published = components['schemas'];

/** What is published as any JSON (a fact's value) may be what the page takes it for. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Open<T> = unknown extends T ? any : T extends object ? { [Key in keyof T]: Open<T[Key]> } : T;

/** Whether what the server answers can be read as the page's type. */
type Fits<Answered extends Expected, Expected> = Answered;

export type Held = [
  Fits<Open<Published['Session']>, page.Session>,
  Fits<Open<Published['Tree']>, page.FileTree>,
  Fits<Open<Published['FileText']>, page.FileText>,
  Fits<Open<Published['FactEntry']>, page.Fact>,
  Fits<Open<Published['SentenceMessage']>, page.Sentence>,
  Fits<Open<Published['TruthNode']>, page.Truth>,
  Fits<Open<Published['FindingMessage']>, page.Finding>,
  Fits<Open<Published['DecisionMessage']>, page.Decision>,
  Fits<Open<Published['TestedItem']>, page.ExampleItem>,
  Fits<Open<Published['ChangesMessage']>, page.Changes>,
  Fits<Open<Published['Revision']>, page.Revision>,
  Fits<Open<Published['CoverageMessage']>, page.Coverage>,
  Fits<Open<Published['RulesMessage']>, page.RulesPicture>,
  Fits<Open<Published['AnnotatedPicture']>, page.Annotated>,
  Fits<Open<Published['JobMessage']>, page.Job>,
  Fits<Open<Published['RunEntry']>, rows.Run>,
  Fits<Open<Published['ReviewMessage']>, rows.Review>,
  Fits<Open<Published['RowMessage']>, rows.Row>,
  Fits<Open<Published['Facets']>, rows.Facets>,
  Fits<Open<Published['RowPage']>, rows.Page>,
  Fits<Open<Published['AgreementMessage']>, rows.Agreement>,
  Fits<Open<Published['Results']>, results.Results>,
  Fits<Open<Published['RuleResult']>, results.RuleResult>,
  Fits<Open<Published['CasePage']>, results.CasePage>,
  Fits<Open<Published['CaseResult']>, results.CaseResult>,
];
