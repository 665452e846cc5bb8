import type { WorkflowContents } from './contents.ts';

/** A published workflow of the local account. */
export interface Workflow {
  readonly name: string;
  readonly title: string;
  readonly contents: WorkflowContents;
  readonly isPublic: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Published workflows, kept in memory and on disk. A write is committed when the call returns. */
export interface Workflows {
  /** Returns `exists` if another workflow has this name. */
  create(workflow: Omit<Workflow, 'createdAt'>): Workflow | 'exists';
  get(name: string): Workflow | undefined;
  /** Oldest first. */
  list(): readonly Workflow[];
  update(name: string, change: Partial<Omit<Workflow, 'createdAt'>>): Workflow | 'unknown' | 'exists';
  /** Returns `false` if there was no workflow with this name. */
  delete(name: string): boolean;
}
