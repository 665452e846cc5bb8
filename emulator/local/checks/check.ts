import { readTree } from '../python-code/tree.ts';
import { checkedCode } from './app-code.ts';
import { endpointFindings } from './endpoints.ts';
import type { CheckFacts } from './facts.ts';
import { fileFindings } from './files.ts';
import type { Finding } from './finding.ts';
import { importFindings } from './imports.ts';
import { keepAliveFindings } from './keep-alive.ts';
import { limitFindings } from './limits.ts';
import { modelFindings } from './models.ts';
import { requirementFindings } from './requirements.ts';
import { reservationFindings } from './reservations.ts';
import { secretFindings } from './secrets.ts';
import { initFindings, machineTypeFindings } from './settings.ts';

/** A longer text isn't checked. */
const maxCharacters = 1_000_000;
/** Of one file. */
const maxFindings = 500;

/**
 * What is wrong with the apps of a Python file, in source order. Pure: nothing is run, read or awaited. A text without
 * apps has no findings, and neither has one that the parser can't take.
 */
export function checkPython(text: string, facts: CheckFacts = {}): readonly Finding[] {
  if (text.length > maxCharacters || !/\bfal\b/.test(text)) return [];
  try {
    return findings(text, facts);
  } catch (error) {
    // Some trees of tens of thousands of nested expressions can't be built or walked: their offsets have 16 bits.
    if (error instanceof RangeError || error instanceof TypeError) return [];
    throw error;
  }
}

function findings(text: string, facts: CheckFacts): readonly Finding[] {
  const code = checkedCode(readTree(text), facts.apps);
  if (code.apps.length === 0 && code.file.functions.length === 0) return [];
  const found = [
    ...code.apps.flatMap((app) => [
      ...machineTypeFindings(code, app),
      ...initFindings(code, app),
      ...requirementFindings(code, app, facts),
      ...importFindings(code, app, facts),
      ...fileFindings(code, app, facts),
      ...keepAliveFindings(code, app, facts),
      ...endpointFindings(code, app),
    ]),
    ...modelFindings(code),
    ...reservationFindings(code),
    ...limitFindings(code),
    ...secretFindings(code),
  ];
  return found.sort((a, b) => a.from - b.from || a.to - b.to).slice(0, maxFindings);
}
