import { describe, expect, it } from 'vitest';
import { parseVirtualenv } from './definition.ts';
import { fillDefinition, namesSecrets, passwordsIn, withoutLogin, withoutUrlCredentials } from './placeholders.ts';

function filled(requirements: string[], secretValue?: (name: string) => string | undefined) {
  const parsed = parseVirtualenv({ requirements });
  if (!parsed.ok) throw new Error(parsed.reason);
  return fillDefinition(parsed.definition, 'dev', secretValue && ((_environment, name) => secretValue(name)));
}

/** `${NAME}`, which Biome takes for a mistake in a plain string. */
const placeholder = (name: string) => `$\{${name}}`;

describe('placeholders in requirements', () => {
  it('are filled from secrets, and the values are known for masking', () => {
    const result = filled([`pkg @ https://${placeholder('TOKEN')}@example.com/pkg.whl`], (name) =>
      name === 'TOKEN' ? 's3cret' : undefined,
    );
    expect(result).toMatchObject({
      ok: true,
      definition: { layers: [['pkg @ https://s3cret@example.com/pkg.whl']] },
      values: ['s3cret'],
    });
  });

  it('fail the build with the name of the secret that is not set', () => {
    const result = filled([placeholder('NOT_SET')], () => undefined);
    expect(result.ok ? '' : result.reason).toContain('fal secrets set NOT_SET=… --env dev');
  });

  it('are looked for in requirements and in the addresses of indexes', () => {
    const names = (configuration: object) => {
      const parsed = parseVirtualenv(configuration);
      return parsed.ok && namesSecrets(parsed.definition);
    };
    expect(names({ requirements: [['six'], [`a @ https://${placeholder('T')}@b/c`]] })).toBe(true);
    expect(names({ extra_index_urls: [`https://${placeholder('T')}@b/simple`] })).toBe(true);
    expect(names({ requirements: ['six', '$T', '$'.concat('{}')], tags: [placeholder('T')] })).toBe(false);
  });

  it('stay as they are where no secrets are offered', () => {
    expect(filled(['a', placeholder('X')])).toMatchObject({
      ok: true,
      definition: { layers: [['a', placeholder('X')]] },
      values: [],
    });
  });
});

describe('credentials inside URLs', () => {
  it('are hidden', () => {
    expect(withoutUrlCredentials('GET https://me:pw@example.com/simple/')).toBe('GET https://***@example.com/simple/');
  });

  it('are hidden whole when the password has an @ in it', () => {
    expect(withoutUrlCredentials('GET https://me:p@ss@w@example.com/a@b http://u:v@h')).toBe(
      'GET https://***@example.com/a@b http://***@h',
    );
  });

  it('are looked for in one pass, also in what a build script prints without blanks', () => {
    for (const text of ['x', 'x:', '://', '://x', '@'].map((part) => part.repeat(300_000)))
      expect(withoutUrlCredentials(text)).toBe(text);
  });

  it('are not taken for what is none', () => {
    const text = ' + six==1.17.0 from https://example.com/a@b';
    expect(withoutUrlCredentials(text)).toBe(text);
  });
});

describe('credentials in requirements', () => {
  it.each([
    ['a @ git+https://me:pass word@example.com/x@v1', 'a @ git+https://***@example.com/x@v1', ['pass word']],
    ['https://token@example.com/x.whl', 'https://***@example.com/x.whl', ['token']],
    ['a @ https://example.com/x@v1', 'a @ https://example.com/x@v1', []],
    ['six==1.17.0', 'six==1.17.0', []],
  ])('are known and hidden: %s', (requirement, shown, passwords) => {
    const parsed = parseVirtualenv({ requirements: [requirement] });
    expect(withoutLogin(requirement)).toBe(shown);
    expect(parsed.ok ? passwordsIn(parsed.definition) : parsed.reason).toEqual(passwords);
  });
});
