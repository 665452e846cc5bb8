import type { CheckCode } from './codes.ts';

/** One replacement in the text that was checked; offsets as in strings. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Edits that solve a finding. */
export interface Fix {
  /** What a quick fix is called, in the imperative. */
  readonly title: string;
  readonly edits: readonly Edit[];
}

/** Something that a check found in a text. */
export interface Finding<Code extends string = CheckCode> {
  readonly code: Code;
  /** A sentence or two: what is wrong, and what helps. */
  readonly message: string;
  /** Where, as offsets in the text. */
  readonly from: number;
  readonly to: number;
  /** The best one first; often none. */
  readonly fixes: readonly Fix[];
}
