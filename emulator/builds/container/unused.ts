import { join } from 'node:path';
import { z } from 'zod';
import type { Revision } from '../../catalog/types.ts';
import { type EngineApi, isRefusal } from '../../local/docker/api.ts';
import {
  environmentLabel,
  imageName,
  isReplacedName,
  labelFilter,
  ownerLabel,
  replacedName,
} from '../../local/docker/labels.ts';
import type { EnvironmentDefinition } from '../types.ts';
import { identify } from '../virtualenv/identity.ts';
import { hashOfRequirements } from '../virtualenv/runner-packages.ts';
import { listed, removeFolder } from '../virtualenv/unused.ts';
import { imageHash, parseContainer } from './definition.ts';
import { packagesFolder } from './functions.ts';

const imagesSchema = z.array(
  z.object({
    RepoTags: z.array(z.string()).nullish(),
    Size: z.number(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
);

/** An image that this emulator has built, by the names that it gave it. */
interface BuiltImage {
  readonly hash: string;
  readonly bytes: number;
  /** That of its environment, unless another image has replaced it. */
  readonly name: string | undefined;
  readonly replacedNames: readonly string[];
}

async function builtImages(api: EngineApi, owner: string): Promise<readonly BuiltImage[]> {
  const query = { filters: labelFilter({ [ownerLabel]: owner }) };
  const found = await api.ask({ method: 'GET', path: '/images/json', query }, imagesSchema);
  return found.map(({ RepoTags, Size, Labels }) => {
    const hash = Labels?.[environmentLabel] ?? '';
    // An image that someone has made from ours has its labels, but not its names.
    const [name, tags] = [imageName(owner, hash), RepoTags ?? []];
    const replacedNames = tags.filter((tag) => isReplacedName(tag, name));
    return { hash, bytes: Size, name: tags.includes(name) ? name : undefined, replacedNames };
  });
}

/**
 * By name: someone may have given the image another one, and keeps it by that. Not by force: a container may need it.
 * @returns `inUse`: a container does
 */
async function removeImage(api: EngineApi, name: string): Promise<'removed' | 'gone' | 'inUse'> {
  try {
    await api.send({ method: 'DELETE', path: `/images/${name}` });
    return 'removed';
  } catch (error) {
    if (!isRefusal(error, 404, 409)) throw error;
    return error.status === 404 ? 'gone' : 'inUse';
  }
}

/**
 * Removes the images that this emulator built and that none of these revisions needs. They are built again when they
 * are needed.
 * @returns how many, and their bytes (layers that images share count for each of them)
 */
export async function removeUnusedImages(
  api: EngineApi,
  owner: string,
  revisions: readonly Pick<Revision, 'environments' | 'files'>[],
): Promise<{ readonly images: number; readonly bytes: number }> {
  const used = new Set(revisions.flatMap(hashesOf));
  let [images, bytes] = [0, 0];
  for (const image of await builtImages(api, owner)) {
    const own = image.name === undefined || used.has(image.hash) ? [] : [image.name];
    let isRemoved = false;
    for (const name of [...image.replacedNames, ...own]) {
      if ((await removeImage(api, name)) === 'removed') isRemoved = true;
    }
    if (!isRemoved) continue;
    images += 1;
    bytes += image.bytes;
  }
  return { images, bytes };
}

/** Gives an image another name, under which `removeReplaced` finds it when a new one has taken its own. */
export async function keepName(api: EngineApi, id: string, name: string): Promise<void> {
  const [repo, tag] = replacedName(name).split(':');
  await api.send({ method: 'POST', path: `/images/${id}/tag`, query: { repo, tag } });
}

/**
 * Removes the images of this emulator that new ones have replaced.
 * @returns false if some are still in use
 */
export async function removeReplaced(api: EngineApi, owner: string): Promise<boolean> {
  const names = (await builtImages(api, owner)).flatMap(({ replacedNames }) => replacedNames);
  const outcomes = [];
  for (const name of names) outcomes.push(await removeImage(api, name));
  return !outcomes.includes('inUse');
}

/**
 * Removes the packages for functions in images that none of these environments needs. Only while no emulator uses the
 * folder.
 * @returns their bytes
 */
export function removeUnusedPackages(
  dataDir: string,
  environments: readonly Omit<EnvironmentDefinition, 'force' | 'sdk'>[],
): number {
  const contained = environments.filter(({ kind }) => kind === 'container').map(identify);
  const used = new Set(contained.map((one) => (one.kind === 'identified' ? one.hash : '')));
  const folder = packagesFolder(dataDir);
  if (contained.length === 0) return removeFolder(folder);
  let bytes = 0;
  for (const platform of listed(folder)) {
    for (const name of listed(join(folder, platform))) {
      const hash = hashOfRequirements(name);
      if (hash !== undefined && !used.has(hash)) bytes += removeFolder(join(folder, platform, name));
    }
  }
  return bytes;
}

function hashesOf({ environments, files }: Pick<Revision, 'environments' | 'files'>): readonly string[] {
  return environments.flatMap(({ kind, configuration }) => {
    const parsed = kind === 'container' ? parseContainer(configuration) : { ok: false as const };
    return parsed.ok ? [imageHash(parsed.definition, files)] : [];
  });
}
