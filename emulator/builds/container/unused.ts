import { z } from 'zod';
import type { Revision } from '../../catalog/types.ts';
import { type EngineApi, isRefusal } from '../../local/docker/api.ts';
import { environmentLabel, labelFilter, ownerLabel } from '../../local/docker/labels.ts';
import { imageHash, parseContainer } from './definition.ts';

const imagesSchema = z.array(
  z.object({ Id: z.string(), Size: z.number(), Labels: z.record(z.string(), z.string()).nullish() }),
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
  for (const { Id, Size, Labels } of found) {
    if (used.has(Labels?.[environmentLabel] ?? '')) continue;
    try {
      await api.send({ method: 'DELETE', path: `/images/${Id}`, query: { force: '1' } });
      images += 1;
      bytes += Size;
    } catch (error) {
      // 409: a container of someone else's uses it; 404: it is gone.
      if (!isRefusal(error, 404, 409)) throw error;
    }
  }
  return { images, bytes };
}

function hashesOf({ environments, files }: Pick<Revision, 'environments' | 'files'>): readonly string[] {
  return environments.flatMap(({ kind, configuration }) => {
    const parsed = kind === 'container' ? parseContainer(configuration) : { ok: false as const };
    return parsed.ok ? [imageHash(parsed.definition, files)] : [];
  });
}
