import { describe, expect, it } from 'vitest';
import { parseVirtualenv } from './definition.ts';
import { fillDefinition, namesSecrets } from './placeholders.ts';

function filled(requirements: string[], secretValue?: (name: string) => string | undefined) {
  const parsed = parseVirtualenv({ requirements });
  if (!parsed.ok) throw new Error(parsed.reason);
  return fillDefinition(parsed.definition, 'dev', secretValue && ((_environment, name) => secretValue(name)));
}

/** `${NAME}`, which Biome reports as a mistake in a plain string. */
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

  it('are searched for in requirements and in index URLs', () => {
    const names = (configuration: object) => {
      const parsed = parseVirtualenv(configuration);
      return parsed.ok && namesSecrets(parsed.definition);
    };
    expect(names({ requirements: [['six'], [`a @ https://${placeholder('T')}@b/c`]] })).toBe(true);
    expect(names({ extra_index_urls: [`https://${placeholder('T')}@b/simple`] })).toBe(true);
    expect(names({ requirements: ['six', '$T', '$'.concat('{}')], tags: [placeholder('T')] })).toBe(false);
  });

  it('are kept where no secrets are available', () => {
    expect(filled(['a', placeholder('X')])).toMatchObject({
      ok: true,
      definition: { layers: [['a', placeholder('X')]] },
      values: [],
    });
  });
});
