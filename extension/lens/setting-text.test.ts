import { describe, expect, it } from 'vitest';
import { type AppSettings, settingNames } from '../target/app-settings.ts';
import { readPythonFile } from '../target/python-reader.ts';
import { settingHover } from './setting-text.ts';

type Deployed = AppSettings['settings']['keep_alive'];

/** The first setting of this line of code. */
function hover(line: string, places: readonly { readonly alias: string; readonly deployed: Deployed }[] = []) {
  const [setting] = readPythonFile(`import fal\nclass A(fal.App):\n    ${line}\n`).classes[0]?.settings ?? [];
  if (!setting) throw new Error('no setting');
  const settings = (deployed: Deployed) =>
    Object.fromEntries(settingNames.map((name) => [name, deployed])) as AppSettings['settings'];
  return settingHover(
    setting,
    'app',
    places.map(({ alias, deployed }) => ({ alias, revision: 'r', settings: settings(deployed) })),
  );
}
const at = (alias: string, deployed: Partial<Deployed>) => ({
  alias,
  deployed: { value: 60, source: 'code' as const, default: 10, isKept: true, ...deployed },
});

describe('the hover over a setting', () => {
  it.each([
    [`machine_type = "![x](https://x.example/p.png)"`, []],
    [`regions = ["[x](command:a)"]`, []],
    ['regions = ["us"]', [at('a', { value: ['![x](https://x.example/p.png)'] })]],
    ['keep_alive = "![x](https://x.example/p.png)"', []],
  ])('of %j has no link or picture of the code or of an app', (line, places) => {
    expect(hover(line, places)?.values.replaceAll(/`[^`]*`|\\./g, '')).not.toMatch(/[![\]()<]/);
  });

  it.each<[string, Parameters<typeof hover>[1], string, boolean]>([
    ['keep_alive = 60', [], 'code 60 s · not deployed · default of fal.App 60 s', false],
    ['keep_alive = 60', [at('a', {})], 'code 60 s · deployed 60 s · default of fal.App 60 s', false],
    [
      'keep_alive = 60',
      [at('a', { value: 30, source: 'kept', revision: 'da0ff24c-1111' })],
      'code 60 s · deployed 30 s (kept from revision da0ff24c) · default of fal.App 60 s',
      true,
    ],
    [
      'max_concurrency = 4',
      [at('a', { value: 2, source: 'changed', default: 2 })],
      'code 4 · deployed 2 (changed after its deploy) · default 2',
      true,
    ],
    // The code was edited: the next deploy brings the value.
    [
      'max_multiplexing = 4',
      [at('a', { value: 2, source: 'code', default: 1, isKept: false })],
      'code 4 · deployed 2 · default 1',
      false,
    ],
    [
      'machine_type = "XS"',
      [at('a', { value: ['XS'], default: ['XS'], isKept: false })],
      'code XS · deployed XS · default of fal.App S',
      false,
    ],
    [
      'request_start_timeout = 0',
      [at('a', { value: null, default: null })],
      'code none · deployed none · default none',
      false,
    ],
    [
      'scaling_delay = delay(1)',
      [at('a', { value: 5, default: 0 })],
      'code `delay(1)` · deployed 5 s · default 0 s',
      false,
    ],
    [
      'min_concurrency = 1',
      [at('img-prod', { value: 1, default: 0 }), at('dev', { value: 0, source: 'kept', revision: 'x', default: 0 })],
      'code 1 · img\\-prod deployed 1 · dev deployed 0 (kept from revision x) · default 0',
      true,
    ],
  ])('%s with %j', (line, places, values, isSurprising) => {
    expect(hover(line, places)).toEqual({ values, meaning: expect.stringMatching(/\.$/), isSurprising });
  });

  it('says nothing about other attributes', () => {
    expect(hover('requirements = ["a"]')).toBeUndefined();
    expect(hover('toString = 1')).toBeUndefined();
  });
});
