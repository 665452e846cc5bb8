import type { BuildFailure, EnvironmentDefinition } from '../types.ts';
import { agentPin } from './agent.ts';
import { readConstraints } from './constraints.ts';
import { environmentHash, parseVirtualenv, type VirtualenvDefinition } from './definition.ts';
import { namesSecrets } from './placeholders.ts';

export interface IdentifiedEnvironment {
  readonly kind: 'identified';
  readonly definition: VirtualenvDefinition;
  /** The environment's name on disk. */
  readonly hash: string;
}

/** The environment of deployments that specify none. */
const main = 'main';

/**
 * Which virtualenv this is, or why it can't be one. The hash is of the text with its placeholders: a secret's value is
 * never part of a folder's name. A virtualenv whose requirements name secrets belongs to the deployment environment
 * that they come from, because other environments must not use what its token gave access to. Those of `main` have no
 * mark, and keep the hashes that they had before marks existed.
 */
export function identify({
  configuration,
  secretsOf,
}: Pick<EnvironmentDefinition, 'configuration' | 'secretsOf'>): IdentifiedEnvironment | BuildFailure {
  const parsed = parseVirtualenv(configuration);
  if (!parsed.ok) return { kind: 'failed', reason: parsed.reason };
  const { definition } = parsed;
  const constraints = readConstraints(definition.constraintsFile);
  if (!constraints) {
    const reason = `Invalid environment: constraints_file ${definition.constraintsFile} can't be read.`;
    return { kind: 'failed', reason };
  }
  const owner = secretsOf !== main && namesSecrets(definition) ? secretsOf : undefined;
  return { kind: 'identified', definition, hash: environmentHash(definition, constraints, agentPin, owner) };
}
