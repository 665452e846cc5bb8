import { describe, expect, it } from 'vitest';
import { createBuilds } from './builds.ts';
import type { Builder, EnvironmentDefinition } from './types.ts';

/** A builder that identifies itself by the ids of its environments. */
function builderOf(kind: string, actions: string[] = []): Builder {
  return {
    async build({ configuration }, log) {
      log({ at: 0, level: 'INFO', message: `${kind} is building` });
      return { kind: 'built', environment: { kind, id: `${kind} ${configuration.name}` }, cached: false };
    },
    close: async () => void actions.push(`closed ${kind}`),
  };
}

const definition = (kind: string): EnvironmentDefinition => ({
  kind,
  configuration: { name: 'e' },
  force: false,
  secretsOf: 'main',
});

describe('an environment', () => {
  it('is built by the builder of its kind', async () => {
    const builds = createBuilds({ virtualenv: builderOf('virtualenv'), other: builderOf('other') });
    const messages: string[] = [];
    const built = await builds.build(definition('other'), ({ message }) => messages.push(message));
    expect(built).toEqual({ kind: 'built', environment: { kind: 'other', id: 'other e' }, cached: false });
    expect(messages).toEqual(['other is building']);
  });

  it.each([
    ['conda', 'Conda environments are not supported'],
    ['pyenv-ish', 'Unknown environment kind: pyenv-ish'],
    ['constructor', 'Unknown environment kind: constructor'],
    ['', 'Unknown environment kind: .'],
  ])('of the kind "%s" is refused with a sentence', async (kind, words) => {
    const builds = createBuilds({ virtualenv: builderOf('virtualenv') });
    const refused = await builds.build(definition(kind), () => undefined);
    expect(refused).toEqual({ kind: 'failed', reason: expect.stringContaining(words) });
  });
});

it('closes every builder', async () => {
  const actions: string[] = [];
  await createBuilds({ one: builderOf('one', actions), two: builderOf('two', actions) }).close();
  expect(actions).toEqual(['closed one', 'closed two']);
});
