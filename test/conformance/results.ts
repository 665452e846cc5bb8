import type { Outcome, TestResult } from './report.ts';

export interface SuiteResult {
  readonly suite: string;
  readonly results: readonly TestResult[];
  readonly note?: string;
}

const words: readonly Outcome[] = ['passed', 'failed', 'not_implemented', 'skipped', 'xfailed', 'xpassed'];

/** RESULTS.md. Contains no times or dates, so it changes only when a result changes. */
export function resultsTable(suites: readonly SuiteResult[], pins: readonly string[]): string {
  const head = [
    '# Conformance',
    '',
    "fal's own test suites, fetched from their source distributions and run with the real SDK against a " +
      'fresh emulator.',
    'Written by `npm run conformance -- --sdk VERSION --update`; `not_implemented`: the emulator answered ' +
      'that it cannot do this yet.',
    '',
    `Pins: ${pins.join(', ')}.`,
    '',
    `| suite | tests | ${words.join(' | ')} |`,
    `| --- | --- | ${words.map(() => '---').join(' | ')} |`,
    ...suites.map(({ suite, results }) => {
      const counts = words.map((word) => results.filter((result) => result.outcome === word).length);
      return `| ${suite} | ${results.length} | ${counts.join(' | ')} |`;
    }),
  ];
  const tables = suites.flatMap(({ suite, results, note }) => [
    '',
    `## ${suite}`,
    '',
    ...(note ? [note, ''] : []),
    '| test | result | reason |',
    '| --- | --- | --- |',
    ...results.map((result) => `| ${cell(result.test)} | ${result.outcome} | ${cell(result.reason)} |`),
  ]);
  return `${[...head, ...tables].join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

/** The content of baseline.json: the tests that pass. */
export function passedTests(suites: readonly SuiteResult[]): readonly string[] {
  return suites
    .flatMap(({ results }) => results.filter(({ outcome }) => outcome === 'passed').map(({ test }) => test))
    .sort();
}

/** Tests of the baseline that didn't pass in this run. `ran` decides which tests of the baseline were selected. */
export function regressions(
  baseline: readonly string[],
  suites: readonly SuiteResult[],
  ran: (test: string) => boolean = () => true,
): readonly string[] {
  const passed = new Set(passedTests(suites));
  return baseline.filter((test) => ran(test) && !passed.has(test));
}
