import type { BuiltEnvironment } from '../engine.ts';

/** What a function of the SDK in an image runs with. */
export interface IsolatedPython {
  /** The command by which the image knows its Python: the first on its PATH. */
  readonly command: string;
  /** uv's options that name it. */
  readonly pythonOptions: readonly string[];
  /** The folder of the runner's Python on this machine, for the users of any image. */
  readonly runner: string;
  /** Folders of packages of this machine: those that count before the image's own packages, and those after. */
  readonly firstPaths: readonly string[];
  readonly extraPaths: readonly string[];
}

/** An image, which is run by the engine in engines/docker. */
export interface ContainerImage extends BuiltEnvironment {
  readonly kind: 'container';
  /** What the container engine knows it by. */
  readonly image: string;
  /** It is someone else's, and pulled if the container engine doesn't have it. Otherwise it was built for the app. */
  readonly isPulled?: true;
  /** Instead of the image's own; `null`: the image's own. */
  readonly entrypoint: readonly string[] | null;
  readonly cmd: readonly string[] | null;
  /** A function of the SDK runs in its Python. Absent: the image is run as it is. */
  readonly isolated?: IsolatedPython;
}
