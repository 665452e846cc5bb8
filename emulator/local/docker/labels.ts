import { createHash, randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';

/** Names the emulator to which a container or an image belongs, by its data folder. */
export const ownerLabel = 'minifal.folder';
/** The hash of the environment that an image was built for. */
export const environmentLabel = 'minifal.environment';
/**
 * The runner whose container it is. Only containers of runners have it: those that people make from images of apps get
 * the labels of the images.
 */
export const runnerLabel = 'minifal.runner';
/** The connection to the engine that a container was created over (engines/docker/link.ts). */
export const linkLabel = 'minifal.link';

/** The process that asks an image something in this container, which it removes itself unless it is killed. */
export const askerLabel = 'minifal.asker';
/** The value of `askerLabel` of this process. */
export const asker = randomUUID();

/** The value of `ownerLabel` for a data folder, which is not a path: images may be given to others. */
export function ownerOf(dataDir: string): string {
  return createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 32);
}

/** The filter of the engine's lists for what carries these labels; `null`: with any value. */
export function labelFilter(labels: { readonly [label: string]: string | null }): string {
  return JSON.stringify({
    label: Object.entries(labels).map(([label, value]) => (value === null ? label : `${label}=${value}`)),
  });
}

/** The name of an image that was built for an environment. Emulators don't share images: each removes its own. */
export function imageName(owner: string, hash: string): string {
  return `minifal/${owner.slice(0, 12)}:${hash.slice(0, 32)}`;
}

/**
 * Another name of an image that is about to be replaced under its own: runners may use it for a while, and without a
 * name it would look like an image that people have made from it.
 */
export function replacedName(name: string): string {
  return `${name}-replaced-${randomUUID().slice(0, 8)}`;
}

/** Whether this is a `replacedName` of the image. */
export function isReplacedName(reference: string, name: string): boolean {
  return reference.startsWith(`${name}-replaced-`);
}
