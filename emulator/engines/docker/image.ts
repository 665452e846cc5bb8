import type { BuiltEnvironment } from '../engine.ts';

/** An image that is run as it is, by the engine in engines/docker. */
export interface ContainerImage extends BuiltEnvironment {
  readonly kind: 'container';
  /** What the container engine knows it by. */
  readonly image: string;
  /** It is someone else's, and pulled if the container engine doesn't have it. Otherwise it was built for the app. */
  readonly isPulled?: true;
  /** Instead of the image's own; `null`: the image's own. */
  readonly entrypoint: readonly string[] | null;
  readonly cmd: readonly string[] | null;
}
