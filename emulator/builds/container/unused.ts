import { z } from 'zod';
import type { Revision } from '../../catalog/types.ts';
import { type EngineApi, isRefusal } from '../../local/docker/api.ts';
import { findImage } from '../../local/docker/images.ts';
import { environmentLabel, imageName, labelFilter, ownerLabel } from '../../local/docker/labels.ts';
import { imageHash, parseContainer } from './definition.ts';

const imagesSchema = z.array(
  z.object({
    RepoTags: z.array(z.string()).nullish(),
    Size: z.number(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
);

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
  const filters = labelFilter({ [ownerLabel]: owner });
  const found = await api.ask({ method: 'GET', path: '/images/json', query: { filters } }, imagesSchema);
  let [images, bytes] = [0, 0];
  for (const { RepoTags, Size, Labels } of found) {
    const hash = Labels?.[environmentLabel] ?? '';
    const name = imageName(owner, hash);
    // An image that someone has made from ours has its labels, but not its name.
    if (used.has(hash) || !RepoTags?.includes(name)) continue;
    try {
      // By name: someone may have given it another one, and keeps it by that. Not by force: a container may need it.
      await api.send({ method: 'DELETE', path: `/images/${name}` });
      images += 1;
      bytes += Size;
    } catch (error) {
      // 409: a container of someone else's uses it; 404: it is gone.
      if (!isRefusal(error, 404, 409)) throw error;
    }
  }
  return { images, bytes };
}

/** Removes the image that had this name before, unless it is the same one, or has another name, or is in use. */
export async function removeReplaced(api: EngineApi, id: string, name: string): Promise<void> {
  if ((await findImage(api, name))?.id === id) return;
  await api.send({ method: 'DELETE', path: `/images/${id}` }).catch((error: unknown) => {
    if (!isRefusal(error, 404, 409)) throw error;
  });
}

function hashesOf({ environments, files }: Pick<Revision, 'environments' | 'files'>): readonly string[] {
  return environments.flatMap(({ kind, configuration }) => {
    const parsed = kind === 'container' ? parseContainer(configuration) : { ok: false as const };
    return parsed.ok ? [imageHash(parsed.definition, files)] : [];
  });
}
