import type { AliasName } from '../types.ts';
import { values } from './sorted.ts';
import type { LiveRunner, World } from './world.ts';

/** The live runners of an app, oldest first; none if there is no such app. */
export function runnersOfApp(world: World, alias: AliasName): readonly LiveRunner[] {
  return values(world.apps.get(alias)?.runners.all ?? null)
    .map((id) => world.runners.get(id))
    .filter((runner) => runner !== undefined);
}
