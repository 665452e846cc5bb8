import { randomInt } from 'node:crypto';
import type { LocalImage } from '../../local/docker/images.ts';
import { linkLabel, ownerLabel, runnerLabel } from '../../local/docker/labels.ts';
import type { RunnerSpec } from '../engine.ts';
import type { AppPorts } from './app-ports.ts';
import type { DeviceRequest } from './gpu-requests.ts';
import type { ContainerImage } from './image.ts';
import { shownVariables } from './variables.ts';

/** Where runners find the certificates that they trust. */
const certificates = '/minifal/ca.pem';
/** Where a container has its first process. */
const forward = '/minifal/forward';

/** What a container is made of. */
export interface ContainerPlan {
  readonly spec: RunnerSpec<ContainerImage>;
  readonly image: LocalImage;
  readonly ports: AppPorts;
  /** The address of this machine at which they are published. */
  readonly address: string;
  /** The value of `ownerLabel`. */
  readonly owner: string;
  /** The value of `linkLabel`. */
  readonly link: string;
  /** The id of the runners' network. */
  readonly network: string;
  readonly caBundle: string | undefined;
  readonly inside: ContainerInside;
  readonly deviceRequests: readonly DeviceRequest[];
  /** The program for its first process, on this machine; `null`: there is none for this image. */
  readonly first: string | null;
}

/** What a container has from us. */
export interface ContainerInside {
  /** Ports of the emulator, which it reaches at its own loopback address. */
  readonly ports: readonly number[];
  /** What its first process takes and carries on, as its arguments (runner/first/forward.c). */
  readonly carried: readonly string[];
  /** Runs in place of the image's own command. */
  readonly command?: readonly string[];
  /** By their paths in the container, which can't write to them: files and folders of this machine. */
  readonly mounts: { readonly [target: string]: string };
  /** Names that lead to the container's own loopback address. */
  readonly hosts: readonly string[];
}

/** The body of the engine's request to create a container. */
export function containerOptions({
  spec,
  image,
  ports,
  address,
  owner,
  link,
  network,
  caBundle,
  inside,
  deviceRequests,
  first,
}: ContainerPlan) {
  const command = inside.command ?? commandOf(spec.environment, image);
  const own = first === null ? command : [forward, ...inside.carried, '--', ...command];
  const published = [...new Set([ports.app, ports.metrics ?? ports.app])].map((port) => `${port}/tcp`);
  const each = <T>(value: T) => Object.fromEntries(published.map((port) => [port, value]));
  const bind = (source: string, target: string, isReadOnly: boolean) => ({
    Type: 'bind',
    Source: source,
    Target: target,
    ReadOnly: isReadOnly,
  });
  return {
    Image: image.id,
    Entrypoint: own,
    Cmd: [],
    // Without our first process, nothing else would give it the others.
    Env: variables({ ...(first === null ? spec.env : shownVariables(spec.env)), ...gpuNumbers(spec) }, caBundle),
    Labels: { [ownerLabel]: owner, [runnerLabel]: spec.runnerId, [linkLabel]: link },
    ExposedPorts: each({}),
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    HostConfig: {
      // The lines are read as they are written; the engine keeps none.
      LogConfig: { Type: 'none' },
      NetworkMode: network,
      PortBindings: each([{ HostIp: address, HostPort: '' }]),
      // As much with swap as without: none.
      ...(deviceRequests.length === 0 ? {} : { DeviceRequests: deviceRequests }),
      ...(spec.memoryBytes === undefined ? {} : { Memory: spec.memoryBytes, MemorySwap: spec.memoryBytes }),
      // A program without a handler for SIGTERM would ignore it as process 1.
      Init: first === null,
      ExtraHosts: inside.hosts.map((name) => `${name}:127.0.0.1`),
      Mounts: [
        bind(spec.dataDir, '/data', false),
        ...(caBundle === undefined ? [] : [bind(caBundle, certificates, true)]),
        ...(first === null ? [] : [bind(first, forward, true)]),
        ...Object.entries(inside.mounts).map(([target, source]) => bind(source, target, true)),
      ],
    },
  };
}

/** As the engine does: with an entrypoint of the app's own, the image's arguments have no meaning. */
function commandOf({ entrypoint, cmd }: ContainerImage, image: LocalImage): readonly string[] {
  return [...(entrypoint ?? image.entrypoint), ...(cmd ?? (entrypoint === null ? image.cmd : []))];
}

/** The container has its own GPUs only, and counts them from 0, which also programs understand that know no UUIDs. */
function gpuNumbers({ gpus = [] }: ContainerPlan['spec']): { readonly CUDA_VISIBLE_DEVICES?: string } {
  return gpus.length === 0 ? {} : { CUDA_VISIBLE_DEVICES: gpus.map((_, number) => number).join(',') };
}

/** The file of certificates has another name in the container. */
function variables(env: RunnerSpec['env'], caBundle: string | undefined): readonly string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value === caBundle ? certificates : value}`);
}

/** An address of this machine that nobody guesses, and no web page calls. */
export function randomLoopback(): string {
  return `127.${randomInt(1, 255)}.${randomInt(0, 255)}.${randomInt(1, 255)}`;
}
