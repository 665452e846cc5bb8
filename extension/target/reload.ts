import type { AppRow, LiveState } from './live.ts';

export type ReloadRow = NonNullable<AppRow['reload']>;

/** Whether the last save serves; otherwise the code before it does, if anything. */
export function isInUse({ outcome }: ReloadRow): boolean {
  return outcome !== 'kept' && outcome !== 'failed';
}

/** Why the last save of a run can't be imported, at its line. */
export interface ReloadError {
  readonly alias: string;
  readonly at: number;
  readonly type: string;
  readonly message: string;
  /** Absolute. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

/** Of the runs whose last save can't be imported because of a line. */
export function reloadErrors({ apps }: Pick<LiveState, 'apps'>): readonly ReloadError[] {
  return [...apps.values()].flatMap(({ alias, reload }) => {
    const { type = '', message = '', file = null, line = null } = reload?.error ?? {};
    return reload && file !== null && line !== null ? [{ alias, at: reload.at, type, message, file, line }] : [];
  });
}
