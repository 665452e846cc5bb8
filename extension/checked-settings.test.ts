import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checkedNames,
  invalidValueMessage,
  startArguments,
  startSettings,
  usable,
  usableSettings,
} from './checked-settings.ts';

describe('a setting that is checked', () => {
  it.each([
    ['port', 0],
    ['port', 65_532],
    ['timeScale', 1],
    ['timeScale', 2.5],
    ['timeScale', 1000],
    ['allowedOrigins', []],
    ['allowedOrigins', ['http://localhost:3000', 'https://example.com']],
    ['isolation', 'disk'],
    ['machineLimits', 'enforce'],
    ['share', ['~/models', '/mnt/weights:rw']],
    ['huggingFaceCache', 'read'],
    ['allowOutside', true],
    ['stopEmulatorOnClose', 'never'],
    ['sealSecrets', 'always'],
  ] as const)('%s takes %j as it is', (name, value) => {
    expect(usable(name, value)).toEqual(value);
    expect(invalidValueMessage(name, value)).toBeUndefined();
  });

  it.each([
    ['port', '4710', 4710, 'port 4710 is used'],
    ['port', 65_533, 4710, 'port 4710 is used'],
    ['timeScale', 0, 1, 'delays pass in real time'],
    ['timeScale', 1001, 1, 'delays pass in real time'],
    ['timeScale', Number.NaN, 1, 'delays pass in real time'],
    ['allowedOrigins', ['http://localhost:3000/'], [], 'no web page is allowed'],
    ['allowedOrigins', ['*'], [], 'no web page is allowed'],
    ['allowedOrigins', ['file://x'], [], 'no web page is allowed'],
    ['allowedOrigins', 'http://localhost:3000', [], 'no web page is allowed'],
    ['isolation', 'on', 'full', '`full` is used'],
    ['machineLimits', true, 'warn', '`warn` is used'],
    ['share', ['models'], [], 'nothing is shared'],
    ['huggingFaceCache', true, 'off', '`off` is used'],
    ['allowOutside', 'yes', false, 'it is off'],
    ['stopEmulatorOnClose', 'sometimes', 'whenLastWindowCloses', 'stops when the last window closes'],
    ['sealSecrets', null, 'auto', '`auto` is used'],
  ] as const)(
    '%s does not accept %j: its default is used, and a sentence explains it',
    (name, value, instead, words) => {
      expect(usable(name, value)).toEqual(instead);
      expect(invalidValueMessage(name, value)).toContain(words);
    },
  );

  it('is used at the next start of the emulator if that gets it', () => {
    expect(startSettings.toSorted()).toEqual(
      [
        'port',
        'timeScale',
        'allowedOrigins',
        'machineLimits',
        'isolation',
        'share',
        'huggingFaceCache',
        'allowOutside',
        'sealSecrets',
      ].toSorted(),
    );
  });

  it('that is a path may begin with the home folder', () => {
    const given = usableSettings((name) => (name === 'share' ? ['~/models:rw'] : undefined));
    expect(startArguments(given)).toEqual([
      '--port',
      '4710',
      '--isolation',
      'full',
      '--share',
      `${homedir()}/models:rw`,
    ]);
  });

  it('has the default of the manifest', () => {
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));
    const groups: readonly { properties: { [name: string]: { default: unknown } } }[] =
      manifest.contributes.configuration;
    const properties = Object.assign({}, ...groups.map((group) => group.properties));
    for (const name of checkedNames) {
      expect([name, usable(name, undefined)]).toEqual([name, properties[`minifal.${name}`].default]);
    }
  });
});
