import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FakeAnswer {
  readonly stdout?: string;
  readonly code?: number;
}

/**
 * Writes a program named nvidia-smi into `folder`, which has to come first on PATH. `answers`: what it prints, by a
 * word of its arguments, repeatedly if they ask for that; the first match counts. `log`: a file that gets the arguments
 * of each call.
 */
export function writeNvidiaSmi(folder: string, answers: { readonly [word: string]: FakeAnswer }, log?: string): void {
  mkdirSync(folder, { recursive: true });
  const cases = Object.entries(answers).map(([word, { stdout = '', code = 0 }], n) => {
    writeFileSync(join(folder, `answer-${n}`), stdout);
    return `*"${word}"*) answer="$here/answer-${n}"; code=${code};;`;
  });
  const lines = [
    '#!/bin/sh',
    'here=$(dirname "$0")',
    ...(log === undefined ? [] : [`echo "$*" >> "${log}"`]),
    'case "$*" in',
    ...cases,
    '*) exit 255;;',
    'esac',
    'case "$*" in *-lms*) while cat "$answer"; do sleep 0.2; done;; *) cat "$answer";; esac',
    'exit "$code"',
  ];
  const file = join(folder, 'nvidia-smi');
  writeFileSync(file, `${lines.join('\n')}\n`);
  chmodSync(file, 0o755);
}
