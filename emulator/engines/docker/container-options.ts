import { randomInt } from 'node:crypto';
import { linkLabel, ownerLabel, runnerLabel } from '../../local/docker/labels.ts';
import type { RunnerSpec } from '../engine.ts';
import type { ContainerImage } from './image.ts';

/** Where runners find the certificates that they trust. */
const certificates = '/minifal/ca.pem';

/** What a container is made of. */
export interface ContainerPlan {
  readonly spec: RunnerSpec<ContainerImage>;
  /** The id of its image. */
  readonly image: string;
  /** The port on which its server listens. */
  readonly port: number;
  /** The address of this machine at which the port is published. */
  readonly address: string;
  /** The value of `ownerLabel`. */
  readonly owner: string;
  /** The value of `linkLabel`. */
  readonly link: string;
  /** The id of the runners' network. */
  readonly network: string;
  readonly caBundle: string | undefined;
  readonly inside?: ContainerInside | undefined;
}

/** What runs in a container in place of its image's own command. */
export interface ContainerInside {
  /** Its first process, with arguments. */
  readonly entrypoint: readonly string[];
  /** By their paths in the container, which can't write to them: files and folders of this machine. */
  readonly mounts: { readonly [target: string]: string };
  /** Names that lead to the container's own loopback address. */
  readonly hosts: readonly string[];
}

/** The body of the engine's request to create a container. */
export function containerOptions({
  spec,
  image,
  port,
  address,
  owner,
  link,
  network,
  caBundle,
  inside,
}: ContainerPlan) {
  const { entrypoint, cmd } = inside ? { entrypoint: inside.entrypoint, cmd: [] } : spec.environment;
  const bind = (source: string, target: string, isReadOnly: boolean) => ({
    Type: 'bind',
    Source: source,
    Target: target,
    ReadOnly: isReadOnly,
  });
  return {
    Image: image,
    ...(entrypoint === null ? {} : { Entrypoint: entrypoint }),
    ...(cmd === null ? {} : { Cmd: cmd }),
    Env: variables(spec.env, caBundle),
    Labels: { [ownerLabel]: owner, [runnerLabel]: spec.runnerId, [linkLabel]: link },
    ExposedPorts: { [`${port}/tcp`]: {} },
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    HostConfig: {
      // The lines are read as they are written; the engine keeps none.
      LogConfig: { Type: 'none' },
      NetworkMode: network,
      PortBindings: { [`${port}/tcp`]: [{ HostIp: address, HostPort: '' }] },
      // As much with swap as without: none.
      ...(spec.memoryBytes === undefined ? {} : { Memory: spec.memoryBytes, MemorySwap: spec.memoryBytes }),
      // A program without a handler for SIGTERM would ignore it as process 1.
      Init: inside === undefined,
      ExtraHosts: inside?.hosts.map((name) => `${name}:127.0.0.1`) ?? [],
      Mounts: [
        bind(spec.dataDir, '/data', false),
        ...(caBundle === undefined ? [] : [bind(caBundle, certificates, true)]),
        ...Object.entries(inside?.mounts ?? {}).map(([target, source]) => bind(source, target, true)),
      ],
    },
  };
}

/** The file of certificates has another name in the container. */
function variables(env: RunnerSpec['env'], caBundle: string | undefined): readonly string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value === caBundle ? certificates : value}`);
}

/** An address of this machine that nobody guesses, and no web page calls. */
export function randomLoopback(): string {
  return `127.${randomInt(1, 255)}.${randomInt(0, 255)}.${randomInt(1, 255)}`;
}
