import { describe, expect, it } from 'vitest';
import { environmentHash, parseVirtualenv, type VirtualenvDefinition } from './definition.ts';

function definition(configuration: unknown): VirtualenvDefinition {
  const parsed = parseVirtualenv(configuration);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.definition;
}

const hash = (configuration: unknown, constraints: string[] = [], pin = 'pin') =>
  environmentHash(definition(configuration), constraints, pin);

describe('the configuration of a virtualenv', () => {
  it('takes a flat list of requirements as one layer, and a list of lists as successive layers', () => {
    expect(definition({ requirements: ['a', 'b'] }).layers).toEqual([['a', 'b']]);
    expect(definition({ requirements: [['a'], ['b']] }).layers).toEqual([['a'], ['b']]);
    expect(definition({}).layers).toEqual([]);
    expect(definition({ requirements: [] }).layers).toEqual([]);
  });

  it('tolerates unknown keys and nulls, as newer SDKs may send them', () => {
    expect(definition({ python_version: null, resolver: null, brand_new: 1 }).pythonVersion).toBeNull();
  });

  it.each([
    [{ resolver: 'pip' }, "Only 'uv' is supported as a resolver"],
    [{ python_version: '/bin/sh' }, 'python_version must look like "3.11"'],
    [{ requirements: 'numpy' }, 'Invalid environment: requirements'],
    [{ requirements: ['a', ['b']] }, 'Invalid environment: requirements'],
    ['nonsense', 'Invalid environment: configuration'],
  ])('refuses %j with a sentence', (configuration, words) => {
    const parsed = parseVirtualenv(configuration);
    expect(parsed.ok ? '' : parsed.reason).toContain(words);
  });
});

describe('the content hash', () => {
  const base = { python_version: '3.11', requirements: ['numpy', 'six'], resolver: 'uv' };

  it('is the same for the same content, whatever the order of tags and of keys', () => {
    expect(hash({ ...base, tags: ['x', 'y'] })).toBe(hash({ tags: ['y', 'x'], ...base }));
  });

  it.each([
    ['python version', hash({ ...base, python_version: '3.12' })],
    ['requirements', hash({ ...base, requirements: ['numpy'] })],
    ['their order', hash({ ...base, requirements: ['six', 'numpy'] })],
    ['layers', hash({ ...base, requirements: [['numpy'], ['six']] })],
    ['resolver', hash({ ...base, resolver: undefined })],
    ['bytecode', hash({ ...base, compile_bytecode: true })],
    ['index URLs', hash({ ...base, extra_index_urls: ['https://example.com/simple'] })],
    ['constraints', hash(base, ['six<2'])],
    ["the runner's own packages", hash(base, [], 'other pin')],
  ])('changes with the %s', (_what, changed) => {
    expect(changed).not.toBe(hash(base));
  });

  it('stays the same between releases of minifal, so that environments are not rebuilt without a reason', () => {
    // sha256 of "3.11\nnumpy\nsix\nresolver=uv\nagent=": isolate's fields in isolate's order, then ours.
    expect(hash(base, [], '')).toBe('7c0bc61b96cb4030344a4a120f5f746346ad11c3c483438c4b4f02e19dade2ce');
  });
});
