import { pythonRangeText } from '../target/needs.ts';
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
    description: isCurrent ? `${where} · current` : where,
    detail: detail(facts, falNextToIt),
  };
}

function detail(facts: Interpreter['facts'], falNextToIt: string | undefined): string {
  if (facts.fits !== 'supported') return `fal needs Python ${pythonRangeText}`;
  if (facts.fal !== undefined) return facts.hasClient ? `fal ${facts.fal}` : `fal ${facts.fal}, without fal_client`;
  return falNextToIt === undefined ? 'fal not installed' : `fal ${falNextToIt}, in an environment of its own`;
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
