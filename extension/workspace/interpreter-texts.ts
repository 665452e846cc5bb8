import { pythonRangeText } from '../target/needs.ts';
import { t } from '../words.ts';
import type { Interpreter } from './interpreters.ts';

/** How an interpreter is shown in a list. */
export interface InterpreterText {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
}

/** Pure. `isCurrent`: fal uses it now. */
export function interpreterText(
  { python, facts, falNextToIt }: Interpreter,
  { home, isCurrent }: { readonly home: string; readonly isCurrent: boolean },
): InterpreterText {
  const where = python.startsWith(`${home}/`) ? `~${python.slice(home.length)}` : python;
  return {
    label: `Python ${facts.release}`,
    description: isCurrent ? t('{0} · current', where) : where,
    detail: detail(facts, falNextToIt),
  };
}

/** The heading of the interpreters that were found in the same place. Pure. */
export function sourceText(source: Interpreter['source']): string {
  switch (source) {
    case 'the setting':
      return t('the setting');
    case 'this folder':
      return t('this folder');
    case 'the Python extension':
      return t('the Python extension');
    default:
      return source;
  }
}

function detail(facts: Interpreter['facts'], falNextToIt: string | undefined): string {
  if (facts.fits !== 'supported') return t('fal needs Python {0}', pythonRangeText);
  if (facts.fal !== undefined)
    return facts.hasClient ? `fal ${facts.fal}` : t('fal {0}, without fal_client', facts.fal);
  return falNextToIt === undefined ? t('fal not installed') : t('fal {0}, in an environment of its own', falNextToIt);
}

/**
 * At which level the setting is written: where it is set already; for an interpreter in a folder of the workspace, in
 * that folder; otherwise for this machine. Pure.
 */
export function settingLevel(given: {
  /** The interpreter is in a folder of the workspace. */
  readonly isInFolder: boolean;
  readonly isSetInFolder: boolean;
  readonly isSetInWorkspace: boolean;
}): 'folder' | 'workspace' | 'machine' {
  if (given.isSetInFolder || given.isInFolder) return 'folder';
  return given.isSetInWorkspace ? 'workspace' : 'machine';
}
